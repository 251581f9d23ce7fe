"""What a training and the program tell each other."""
