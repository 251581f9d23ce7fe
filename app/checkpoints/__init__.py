"""Recipes and checkpoints: their files, the check before loading, and loading."""
