"""What a training is to do: models, settings, and the memory that it takes."""
