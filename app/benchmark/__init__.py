"""What decoding costs: beside a plain loop, a single model, and what memory allows."""
