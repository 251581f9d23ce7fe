"""Evaluation of recipes on tasks: batched answers of all roles, and scores."""
