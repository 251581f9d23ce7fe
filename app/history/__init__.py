"""The history: every run is stored in SQLite while it is generated.

Imports neither Qt nor torch.
"""
