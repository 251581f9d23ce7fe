"""``tuneshift bench``: measures decoding speed against a plain loop and the memory bandwidth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.atomic_files import write_file
from app.checkpoints.proof.proof_report import ProofMode
from app.cli.conflicting_options import refuse_together
from app.cli.output import print_line
from app.cli.progress_line import ProgressLine, progress_text
from app.cli.roles import chosen_recipe
from app.decoding.types import GenerationConfig
from app.errors import PromptError, SettingsError

if TYPE_CHECKING:
    from app.benchmark.setup import Setup

_FEWEST_TOKENS = 2
_OF_MODELS = (
    "recipe",
    "base",
    "expert",
    "antiexpert",
    "alpha",
    "prompt",
    "quantization",
    "engine",
    "gpu_layers",
    "kv_cache",
)
"""Options that random weights have no use for."""


def bench(options: argparse.Namespace) -> int:
    """Run ``tuneshift bench``; returns the exit status.

    Raises:
        TuneshiftError: The options, recipe or models are invalid.
    """
    _check(options)
    status = ProgressLine()
    status.show("Starting …")
    from app.benchmark.benchmark_report import as_json, as_svg, as_text
    from app.benchmark.measure import measure

    try:
        results = measure(
            _setup(options, status),
            options.repeats,
            options.contexts,
            options.pairs,
            options.blocks,
            options.turns,
            lambda what: status.show(f"Measuring: {what}"),
            prompts=options.prompts,
            vocabularies=options.vocabularies,
        )
    finally:
        status.clear()
    print_line(as_json(results) if options.json else as_text(results))
    if options.plot:
        _write(options.plot, as_svg(results))
    return 0


def _check(options: argparse.Namespace) -> None:
    refuse_together(options, "shapes", _OF_MODELS)
    if options.shapes and options.proof is ProofMode.OFF:
        raise SettingsError("--no-proof has no effect with --shapes: random weights are not proved")
    if options.tokens < _FEWEST_TOKENS or options.repeats < 1:
        raise SettingsError(
            "--tokens must be at least 2 and --repeats at least 1",
            evidence=f"{options.tokens} tokens, {options.repeats} repeats",
        )
    if options.turns < 0 or options.turns == 1:
        raise SettingsError(
            "--turns must be at least 2, or 0 for no conversation",
            evidence=f"{options.turns} was given",
        )
    if any(size < 1 for size in _sizes(options)):
        raise SettingsError(
            "--contexts, --pairs, --blocks, --prompts and --vocabularies must be at least 1"
        )


def _sizes(options: argparse.Namespace) -> tuple[int, ...]:
    return (
        *options.contexts,
        *options.pairs,
        *options.blocks,
        *options.prompts,
        *options.vocabularies,
    )


def _setup(options: argparse.Namespace, status: ProgressLine) -> Setup:
    from app.benchmark.setup import of_recipe, of_shapes

    config = GenerationConfig(
        max_new_tokens=options.tokens, temperature=options.temperature, top_p=1.0
    )
    if options.shapes:
        status.show("Creating random weights …")
        names = options.shapes.lower().split(",")
        return of_shapes(names, options.device or "auto", options.dtype or "auto", config)
    recipe = chosen_recipe(options)
    prompt = recipe.sample_prompt if options.prompt is None else options.prompt
    if not prompt:
        raise PromptError("The prompt is empty", next_step="Give one with --prompt.")
    return of_recipe(
        recipe,
        prompt,
        config,
        lambda progress: status.show(progress_text(progress)),
        options.proof,
    )


def _write(path: str, text: str) -> None:
    try:
        write_file(Path(path), text)
    except OSError as error:
        raise SettingsError(
            f"The plot cannot be written to {path}", evidence=error.strerror or str(error)
        ) from error
