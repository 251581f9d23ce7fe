"""The options of ``tuneshift inspect``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands


def add_inspect(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "inspect",
        help="look at a run that was kept, or export it",
        description="Print a run of the history, token by token, or write it in another format. "
        "Runs of the window are kept, and those of: tuneshift generate --save",
    )
    parser.set_defaults(run=_run)
    parser.add_argument("name", nargs="?", metavar="RUN", help="an id, its beginning, or last")
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv", "candidates", "html", "svg", "png", "markdown", "text"),
        default="table",
        help="candidates is a CSV of the alternatives at every token; svg and png are the plot",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where to write; - or nothing is the standard output"
    )
    parser.add_argument("--list", action="store_true", help="list runs instead, the newest first")
    parser.add_argument("--search", metavar="WORDS", default="", help="only runs that hold them")


def _run(options: argparse.Namespace) -> int:
    from app.cli.inspect_command import inspect

    return inspect(options)
