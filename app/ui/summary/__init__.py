"""Whole texts in numbers: how probable they are under each role, and what the pairs did."""
