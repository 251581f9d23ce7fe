"""Memory estimate of a recipe before it is loaded."""
