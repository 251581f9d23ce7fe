"""The parser of the command line. Each subcommand's implementation is imported when it is run."""

from __future__ import annotations

import argparse

from app import __version__
from app.cli.options.bench_options import add_bench
from app.cli.options.cache_options import add_cache
from app.cli.options.chat_options import add_chat
from app.cli.options.check_options import add_check
from app.cli.options.completion_options import add_completion, complete
from app.cli.options.download_options import add_download
from app.cli.options.eval_options import add_eval
from app.cli.options.generate_options import add_generate
from app.cli.options.inspect_options import add_inspect
from app.cli.options.parser import Parser
from app.cli.options.score_options import add_score
from app.cli.options.selftest_options import add_selftest
from app.cli.options.serve_options import add_serve
from app.cli.options.train_options import add_train
from app.cli.options.vllm_options import add_vllm


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the options. ``options.run(options)`` runs the subcommand and returns the exit status.

    Raises:
        SettingsError: The options are invalid.
    """
    parser = Parser(
        prog="tuneshift",
        description="Proxy-tune a language model and see each expert pair's contribution to each "
        "token. Without a subcommand, opens the window.",
    )
    parser.add_argument("--version", action="version", version=f"tuneshift {__version__}")
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        nargs="?",
        dest="window_recipe",
        help="the recipe to open in the window (default: the last one used)",
    )
    parser.set_defaults(run=_open_window)
    commands = parser.add_subparsers(title="subcommands", metavar="COMMAND")
    for add in (
        add_generate,
        add_score,
        add_chat,
        add_check,
        add_download,
        add_serve,
        add_vllm,
        add_inspect,
        add_bench,
        add_eval,
        add_train,
        add_cache,
        add_selftest,
        add_completion,
    ):
        add(commands)
    complete(parser)
    options = parser.parse_args(arguments)
    if options.run is not _open_window and options.window_recipe is not None:
        parser.error("--recipe before a subcommand has no effect; write it after the subcommand")
    return options


def _open_window(options: argparse.Namespace) -> int:
    from app.cli.window import open_window

    return open_window(options.window_recipe)
