"""Whether roles share a vocabulary, and what to call its tokens."""
