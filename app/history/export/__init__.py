"""Exporting runs: one module for each file format."""
