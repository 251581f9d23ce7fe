"""The API server in the window: its dialog, its indicator and example code."""
