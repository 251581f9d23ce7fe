"""What-if: the tokens that other alphas would have chosen along a finished run."""
