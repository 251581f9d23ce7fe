"""The map of α: every token of a run at every α, computed from what is kept of the run."""
