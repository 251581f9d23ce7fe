"""An OpenAI-compatible API over the engine. Imports no torch: the engine's thread does."""
