"""The plot of what each pair gave or took."""
