"""The prompt and the text as it streams."""
