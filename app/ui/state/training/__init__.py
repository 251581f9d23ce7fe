"""The state of trainings: what is chosen, what is prepared, and what runs."""
