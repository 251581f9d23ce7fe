"""The recipe in the window and its models: changed, checked, downloaded, loaded and served."""
