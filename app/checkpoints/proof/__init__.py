"""The comparison of a loaded model, read as the program reads it, with plain forward passes."""
