"""A base behind an OpenAI-compatible completions endpoint."""
