"""Comparison of the vocabularies and tokenizers of roles; labels of tokens."""
