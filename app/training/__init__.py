"""Training of an expert from a person's own texts, and the check whether it helps."""
