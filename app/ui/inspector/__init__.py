"""The right-hand column: everything about the selected token."""
