"""The menus of the window, one file for each; the toolbar borrows their actions."""
