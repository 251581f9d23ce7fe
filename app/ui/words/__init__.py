"""What roles and texts are called, the same in every view."""
