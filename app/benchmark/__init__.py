"""Benchmark of decoding speed, compared with a plain loop, one model and the memory bandwidth."""
