"""The sampling settings that the options of a command line describe."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from app.checkpoints.structure_grammar import check_structure
from app.decoding.alpha_policy import parse_policy
from app.decoding.types import GRAMMAR, JSON_SCHEMA, GenerationConfig
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


def _structure(options: argparse.Namespace) -> dict[str, str]:
    """The settings of ``--json-schema`` and ``--grammar``; empty if neither was given."""
    if options.json_schema is not None and options.grammar is not None:
        raise RecipeError("--json-schema cannot be combined with --grammar")
    for structure, path in ((JSON_SCHEMA, options.json_schema), (GRAMMAR, options.grammar)):
        if path is not None:
            return {"structure": structure, "structure_text": _read(path)}
    return {}


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The file {path} cannot be read", evidence=str(error)) from error


def sampling_of(options: argparse.Namespace, defaults: GenerationConfig) -> GenerationConfig:
    """``defaults`` with the settings that were given.

    Raises:
        RecipeError: The options contradict each other.
        SettingsError: A setting is outside its range, or the schema or grammar cannot be used.
    """
    named = {name: getattr(options, name) for name in SAMPLING_OPTIONS}
    given = {name: value for name, value in named.items() if value is not None}
    if options.greedy:
        if given.get("temperature"):
            raise RecipeError("--greedy cannot be combined with --temperature")
        given["temperature"] = 0.0
    if options.logit_bias is not None:
        given["logit_bias"] = tuple(options.logit_bias)
    if options.alpha_policy is not None:
        given["alpha_policy"] = parse_policy(options.alpha_policy).text
    given |= _structure(options)
    if options.stop is not None:
        given["stop"] = tuple(options.stop)
    config = replace(defaults, **given)
    check_structure(config)
    return config
