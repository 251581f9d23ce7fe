"""Whether an expert helps its base."""
