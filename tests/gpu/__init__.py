"""What only a GPU can show, and ``make gpu-check``, which shows it (docs/gpu-check.md)."""
