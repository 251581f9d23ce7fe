"""What other weights would have chosen along a finished text."""
