"""The texts of the window and their branches: the tree, and forking at a token."""
