"""What each subcommand may be told, one file for each; nothing of its work is imported."""
