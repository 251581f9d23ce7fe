"""Runs tab with the tree of runs and branches, and the pop-up that forks at a token."""
