"""The options of ``tuneshift serve``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands
from app.cli.options.shared import add_placement, add_proof, add_recipe
from app.settings import PARALLEL_REQUESTS, Settings


def add_serve(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "serve",
        help="serve a recipe with the OpenAI API",
        description="Load a recipe and serve it with the OpenAI API: /v1/models, /v1/completions "
        "and /v1/chat/completions. docs/serve.md lists the supported parameters.",
    )
    parser.set_defaults(run=_run)
    add_recipe(parser)
    add_placement(parser)
    add_proof(parser)
    parser.add_argument(
        "--prefix-cache",
        type=int,
        default=Settings().prefix_megabytes,
        metavar="MIB",
        help="memory for keys and values of earlier prompts and answers, which a request that "
        "begins with them need not read again; at most half of what is free (default: %(default)s)",
    )
    parser.add_argument(
        "--parallel",
        type=int,
        default=PARALLEL_REQUESTS,
        metavar="N",
        help="decode up to so many requests side by side, as far as there is memory for their keys "
        "and values; the others wait (default: %(default)s)",
    )
    address = parser.add_argument_group("address and access")
    address.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    address.add_argument("--port", type=int, default=8642, help="default: %(default)s")
    address.add_argument(
        "--api-key",
        metavar="KEY",
        help="the key that clients must send. Other users can see it in the list of processes, so "
        "prefer --api-key-file or the environment variable TUNESHIFT_SERVE_KEY",
    )
    address.add_argument("--api-key-file", metavar="FILE", help="a file with the key")
    address.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="allow web pages of an origin, such as https://chat.example.org; null for pages that "
        "have none, such as files; '*' for all pages of the web; repeat for more",
    )


def _run(options: argparse.Namespace) -> int:
    from app.cli.serve_command import serve

    return serve(options)
