"""What a recipe names: where checkpoints come from, whether they fit together, and loading them."""
