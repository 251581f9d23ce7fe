"""The multi-model decode loop: torch, and no Qt."""
