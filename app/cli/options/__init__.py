"""Command-line options: one module for each subcommand. Imports only what parsing needs."""
