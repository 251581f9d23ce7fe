"""The assistant that puts a recipe together from the models on this disk."""
