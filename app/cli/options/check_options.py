"""The options of ``tuneshift check``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands
from app.cli.options.shared import MODEL, add_placement, add_recipe
from app.cli.text_input import text_argument


def add_check(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "check",
        help="say whether models fit together, before loading them",
        description="Compare the vocabularies of a recipe, write out its prompts and estimate its "
        "memory. No weights are read. The exit status is 0 where the recipe can be used and 2 "
        "where it is refused; that it does not fit into the memory that is free now is only told.",
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "models",
        nargs="*",
        metavar="BASE EXPERT ANTIEXPERT",
        help=f"instead of a recipe; repeat the last two for more pairs. {MODEL}",
    )
    add_recipe(parser)
    parser.add_argument(
        "--prompt",
        type=text_argument,
        help="the prompt to write out (default: the recipe's sample)",
    )
    parser.add_argument(
        "--accept",
        type=int,
        action="append",
        default=[],
        metavar="ID",
        help="a token id that may be generated although it is spelled differently",
    )
    add_placement(parser)
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="fetch what is needed of models on the Hub that are not here: a few MB, no weights",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _run(options: argparse.Namespace) -> int:
    from app.cli.check_command import check

    return check(options)
