"""Dialogs about models: the Hub, downloaded models, endpoints and the memory estimate."""
