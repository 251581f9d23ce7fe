"""The recipe column: the recipe, its roles and pairs, and the sampling settings."""
