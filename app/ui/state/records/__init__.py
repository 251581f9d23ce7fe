"""Persistent state of the window: the history of runs, and evaluations."""
