"""State of the recipe and its models: changes, checks, downloads, loading and serving."""
