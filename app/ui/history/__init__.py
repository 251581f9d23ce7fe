"""The history dialog: finds, opens, repeats, exports and deletes runs."""
