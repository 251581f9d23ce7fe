"""What outlives the window: the history, evaluations and the log."""
