"""Attribution: the contribution of each expert pair to each token."""
