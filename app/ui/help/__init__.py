"""The page that explains the method and the window."""
