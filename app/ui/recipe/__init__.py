"""The left-hand column: the recipe, its roles and pairs, and how tokens are drawn."""
