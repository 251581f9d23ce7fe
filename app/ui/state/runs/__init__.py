"""Runs of the window: generation, branches, selection, order of shifts and what-if questions."""
