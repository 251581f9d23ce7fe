"""The options of ``tuneshift download``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands


def add_download(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "download",
        help="download models from the Hub",
        description="Download models from the Hugging Face Hub: safetensors weights, "
        "configurations and tokenizers only. Files that were already downloaded are kept.",
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "names", nargs="*", metavar="NAME[@REVISION]", help="a model on the Hub, as OWNER/NAME"
    )
    parser.add_argument(
        "--recipe", metavar="NAME|FILE", help="download all models of a recipe instead"
    )


def _run(options: argparse.Namespace) -> int:
    from app.cli.download_command import download

    return download(options)
