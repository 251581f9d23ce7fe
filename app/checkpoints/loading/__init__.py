"""Loading: from checkpoint files to models in memory."""
