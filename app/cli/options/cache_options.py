"""The options of ``tuneshift cache``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands


def add_cache(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "cache",
        help="list or delete converted and downloaded models",
        description="List what Tuneshift keeps on the disk, and the models from the Hub, which "
        "other programs use too; or delete some of it. What is deleted is converted, computed or "
        "downloaded again when it is needed.",
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "action", nargs="?", choices=("list", "clear"), default="list", help="default: list"
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help="what to clear: gguf, proofs, gguf-trials, headers, all (of these), or a model from "
        "the Hub as hub:OWNER/NAME[@REVISION]",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _run(options: argparse.Namespace) -> int:
    from app.cli.cache_command import cache

    return cache(options)
