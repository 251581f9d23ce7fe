"""Language models of another vocabulary, read and scored through the tokens of the base."""
