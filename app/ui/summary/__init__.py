"""Summary tab: statistics of whole runs, such as perplexities and mean contributions."""
