"""Several texts beside each other: two to compare, or the answer of every role."""
