"""Where the experts changed the outcome: the tokens in the order of how much."""
