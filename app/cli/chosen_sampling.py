"""The sampling settings that the options of a command line describe."""

from __future__ import annotations

import argparse
from dataclasses import replace

from app.decoding.types import GenerationConfig
from app.errors import RecipeError

SAMPLING_OPTIONS = (
    "max_new_tokens",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "seed",
)


def sampling_of(options: argparse.Namespace, defaults: GenerationConfig) -> GenerationConfig:
    """``defaults`` with the settings that were given.

    Raises:
        RecipeError: The options contradict each other.
        SettingsError: A setting is outside its range.
    """
    named = {name: getattr(options, name) for name in SAMPLING_OPTIONS}
    given = {name: value for name, value in named.items() if value is not None}
    if options.greedy:
        if given.get("temperature"):
            raise RecipeError("--greedy cannot be combined with --temperature")
        given["temperature"] = 0.0
    if options.logit_bias is not None:
        given["logit_bias"] = tuple(options.logit_bias)
    if options.stop is not None:
        given["stop"] = tuple(options.stop)
    return replace(defaults, **given)
