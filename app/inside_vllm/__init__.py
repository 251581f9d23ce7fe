"""Proxy-tuning inside vLLM: the pairs of a recipe, read beside a base that vLLM runs."""
