"""The options of ``tuneshift chat``."""

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


def add_chat(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "chat",
        help="a conversation with the tuned model in the terminal",
        description="Hold a conversation with the tuned model in the terminal. Each line is a "
        'message; a line that ends with \\ goes on in the next one, and """ begins and ends a '
        "message of several lines. /help lists the commands, Ctrl+C stops an answer, Ctrl+D "
        "leaves. Each line of a pipe is a message as well.",
        epilog="Models that are named directly read the conversation with their chat templates, or "
        "without one in a plain form. Each answer has a new seed unless --seed is given.",
    )
    parser.set_defaults(run=_run)
    add_roles(parser)
    add_prompt_format(parser)
    add_sampling(parser)
    parser.add_argument(
        "--load",
        metavar="FILE",
        help="begin with the messages of a file: a JSON list, or one on each line",
    )
    parser.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with a conversation of the history after this answer (its id, or last), by "
        "default with the recipe of the answer",
    )
    parser.add_argument(
        "--no-save",
        dest="save",
        action="store_false",
        help="do not store the answers in the history",
    )
    parser.add_argument(
        "--hide-thinking",
        action="store_true",
        help="do not print what a model thinks before its answer",
    )
    parser.add_argument("--quiet", action="store_true", help="print only the answers and errors")
    add_speculation(parser)
    add_proof(parser)


def _run(options: argparse.Namespace) -> int:
    from app.cli.chat_command import chat

    return chat(options)
