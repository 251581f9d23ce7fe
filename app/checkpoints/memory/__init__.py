"""What a recipe takes in memory, before it is loaded."""
