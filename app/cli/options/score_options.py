"""The options of ``tuneshift score``."""

from __future__ import annotations

import argparse

from app.checkpoints.requantized import WEIGHTS
from app.cli.options.parser import Commands
from app.cli.options.shared import add_prompt_format, add_proof, add_roles
from app.cli.text_input import text_argument


def add_score(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "score",
        help="score the tokens of a prompt, or of a text after it",
        description="Print what each role makes of the tokens of its own prompt; with --text, what "
        "the tuned models make of a given text after the prompt. Nothing is generated.",
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "prompt",
        nargs="?",
        type=text_argument,
        help="the prompt; - reads it from stdin as it is (default: the text of a pipe without the "
        "line break at its end, or the recipe's sample prompt)",
    )
    parser.add_argument(
        "--messages",
        metavar="FILE",
        help="instead of a prompt, a conversation as for tuneshift generate",
    )
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--text", type=text_argument, help="a text after the prompt to score")
    text.add_argument("--text-file", metavar="FILE", help="a file with that text, in UTF-8")
    parser.add_argument(
        "--against",
        metavar="WEIGHTS|RECIPE",
        help="with a text, score the same tokens again with the models in another dtype or "
        f"quantization ({', '.join(WEIGHTS)}) or with another recipe, and compare",
    )
    add_prompt_format(parser)
    add_roles(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format",
        choices=("table", "json", "csv", "parquet"),
        default="table",
        help="default: table; csv and parquet have a row for each token",
    )
    output.add_argument(
        "--output", metavar="FILE", help="the output file; - is the standard output (default)"
    )
    output.add_argument("--quiet", action="store_true", help="no progress on stderr, only errors")
    add_proof(parser)


def _run(options: argparse.Namespace) -> int:
    from app.cli.score_command import score

    return score(options)
