"""Measuring what proxy-tuning changes: tasks, batched answers of every role, and scores."""
