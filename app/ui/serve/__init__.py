"""The API of the window: what it is doing, and the dialog that switches it on and off."""
