"""The texts of the window: how they come, branch, are chosen from and put in order."""
