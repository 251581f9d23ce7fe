"""The Evaluate view: what tuning brings in tasks, watched, stopped, resumed and opened again."""
