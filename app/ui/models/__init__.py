"""Finding, downloading and fitting models: the Hub, the cache, memory."""
