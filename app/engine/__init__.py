"""Commands in, events out: the one owner of the models, with and without its thread."""
