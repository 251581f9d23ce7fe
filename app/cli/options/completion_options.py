"""``tuneshift completion``, and the completions that the scripts it prints ask for."""

from __future__ import annotations

import argparse
import os

from app.cli.options.parser import Commands

_REQUEST = "_ARGCOMPLETE"
"""The environment variable with which the script of a shell asks for completions."""


def add_completion(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "completion",
        help="print a script that completes commands and options in a shell",
        description="Print a script for a shell, which then completes subcommands, options, names "
        'of recipes and files. To use it: eval "$(tuneshift completion bash)" in .bashrc, the '
        "same with zsh in .zshrc after compinit, or tuneshift completion fish | source in "
        "config.fish.",
    )
    parser.set_defaults(run=_run)
    parser.add_argument("shell", choices=("bash", "zsh", "fish", "powershell"))


def complete(parser: argparse.ArgumentParser) -> None:
    """Print completions and exit if the script of a shell asks for them."""
    if _REQUEST in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)


def recipe_names(prefix: str, **others: object) -> list[str]:
    """The completions of a recipe: names of those that ship, and files."""
    from argcomplete.completers import FilesCompleter

    from app.checkpoints.recipes.recipe_file import builtin_recipes

    files = FilesCompleter(allowednames=(".toml",))(prefix, **others)
    return [*builtin_recipes(), *files]


def _run(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    from app.cli.output import print_exactly

    print_exactly(shellcode(["tuneshift"], shell=options.shell))
    return 0
