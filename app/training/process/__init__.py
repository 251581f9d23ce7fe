"""The process of a training, and the folder in which it is stored."""
