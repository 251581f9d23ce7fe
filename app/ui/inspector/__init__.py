"""Inspector: the details of the selected token, in the right column."""
