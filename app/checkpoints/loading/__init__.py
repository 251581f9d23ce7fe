"""From files to models in memory."""
