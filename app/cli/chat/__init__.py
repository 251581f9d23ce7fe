"""The conversation of ``tuneshift chat``."""
