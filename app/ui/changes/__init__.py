"""Changes tab: the tokens of the shown run, ordered by the size of their shift."""
