"""The options of ``tuneshift selftest``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands


def add_selftest(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "selftest",
        help="test whether this installation works",
        description="Load the built-in demo, generate, check the attribution, write and read a "
        "temporary history, draw the window off screen, and decode with llama.cpp on each device "
        "that it sees. Your files are not changed.",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from app.cli.selftest_command import selftest

    return selftest(options)
