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
        help="check whether models fit together, before loading them",
        description="Compare the vocabularies of a recipe, print its encoded prompts and estimate "
        "its memory. No weights are read. The exit status is 0 if the recipe is usable, else 2. "
        "Too little free memory is reported, but does not change the exit status.",
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "models",
        nargs="*",
        metavar="BASE EXPERT ANTIEXPERT",
        help=f"models instead of a recipe; repeat the last two for more pairs. {MODEL}",
    )
    add_recipe(parser)
    parser.add_argument(
        "--prompt",
        type=text_argument,
        help="the prompt to encode (default: the recipe's sample prompt)",
    )
    parser.add_argument(
        "--accept",
        type=int,
        action="append",
        default=[],
        metavar="ID",
        help="accept a token id whose spelling differs between roles; repeat for more",
    )
    add_placement(parser)
    parser.add_argument(
        "--parallel",
        type=int,
        default=1,
        metavar="N",
        help="say what N texts at once take, as with serve --parallel and eval --batch-size "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="download configurations and tokenizers of Hub models: a few MB, no weights",
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help="load the models too and compare them with plain forward passes of transformers, "
        "whether or not that was done before; the exit status is 2 where one is refused",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _run(options: argparse.Namespace) -> int:
    from app.cli.check_command import check

    return check(options)
