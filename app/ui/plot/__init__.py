"""Plot of the contributions of each pair to each token."""
