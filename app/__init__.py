"""Tuneshift: proxy-tuning of language models, with every token explained."""

__version__ = "0.1.0"
