"""The prompt editor and the transcript: the generated text with its tints."""
