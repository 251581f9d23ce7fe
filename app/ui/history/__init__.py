"""The history of runs in the window: writing it down, finding, opening, repeating, exporting."""
