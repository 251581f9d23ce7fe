"""The options of ``tuneshift vllm``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands


def add_vllm(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "vllm",
        help="serve a recipe inside vLLM",
        description="Start vllm serve with the base of a recipe, whose pairs tune it inside the "
        "engine. All other options are those of vllm serve. docs/vllm.md has the details.",
        usage="tuneshift vllm --recipe NAME|FILE [--dry-run] [options of vllm serve ...]",
    )
    parser.passed_on = "vllm_options"
    parser.set_defaults(run=_run)
    parser.add_argument("--recipe", required=True, metavar="NAME|FILE", help="the recipe")
    parser.add_argument(
        "--dry-run", action="store_true", help="only print the command that would be run"
    )


def _run(options: argparse.Namespace) -> int:
    from app.cli.vllm_command import vllm

    return vllm(options)
