"""The training of the adapter, in its own process."""
