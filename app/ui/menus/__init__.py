"""Menus of the window, one file each; the toolbar shares their actions."""
