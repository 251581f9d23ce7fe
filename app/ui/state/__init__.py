"""State of the window: the session with its recipe, models, runs and selection."""
