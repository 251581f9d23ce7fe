"""Every class that transformers has for causal language models, read in every way."""
