"""Training data: reading, splitting, duplicates and secrets."""
