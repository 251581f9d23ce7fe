"""Runs as files for other programs and other people, one module for each format."""
