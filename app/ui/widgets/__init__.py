"""Widgets and table models that several views use."""
