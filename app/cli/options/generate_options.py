"""The options of ``tuneshift generate``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands
from app.cli.options.shared import (
    add_prompt_format,
    add_proof,
    add_roles,
    add_sampling,
    add_speculation,
)
from app.cli.text_input import text_argument


def add_generate(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "generate",
        help="stream a tuned generation to the terminal",
        description="Stream a tuned generation to stdout.",
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
        help="instead of a prompt, a conversation whose last message is answered: a JSON list of "
        "messages, or one on each line; - is stdin",
    )
    parser.add_argument(
        "--prompts",
        metavar="FILE|TASK",
        help="instead of a prompt, many of them: the lines of a file, JSON lines with prompt or "
        "messages, a CSV file with a column prompt, or a task; totals are printed to stderr",
    )
    parser.add_argument(
        "--token-table",
        metavar="FILE",
        help="with --prompts, write a row for each token to a .csv or .parquet file, prompt by "
        "prompt; run_id is the number of the prompt",
    )
    add_prompt_format(parser)
    add_roles(parser)
    add_sampling(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--json", action="store_true", help="print one JSON object instead of the text"
    )
    output.add_argument(
        "--quiet", action="store_true", help="no progress and no warnings on stderr, only errors"
    )
    output.add_argument(
        "--shifts",
        action="store_true",
        help="print a table of each pair's contribution to each token at the end",
    )
    output.add_argument(
        "--save",
        action="store_true",
        help="store the run in the history, for tuneshift inspect; its id is printed to stderr",
    )
    parser.add_argument(
        "--again",
        metavar="RUN",
        help="instead of all this: repeat a stored run (its id, or last) with the alphas of each "
        "token; the exit status is 1 if the tokens differ",
    )
    add_speculation(parser)
    add_proof(parser)


def _run(options: argparse.Namespace) -> int:
    from app.cli.generate_command import generate

    return generate(options)
