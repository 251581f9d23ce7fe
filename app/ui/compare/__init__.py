"""Comparison dialogs: two runs side by side, and the answers of all roles."""
