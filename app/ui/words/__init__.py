"""Names and descriptions of roles, runs and times, shared by all views."""
