"""How much each expert pair gave to, or took from, each token."""
