"""``tuneshift vllm``: starts vLLM with a recipe, whose pairs tune its base inside the engine."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import NoReturn

from app.cli.output import print_line
from app.errors import SettingsError


def vllm(options: argparse.Namespace) -> int:
    """Run ``tuneshift vllm``; returns 0 if it only prints the command.

    Raises:
        TuneshiftError: The recipe is not valid, or vLLM is not installed.
    """
    from app.inside_vllm.launching import serve_command

    variables, command = serve_command(
        options.recipe, options.vllm_options, os.environ, runs_here=not options.dry_run
    )
    said = [f"{name}={value}" for name, value in variables.items()]
    print_line(" ".join([*said, shlex.join(command)]))
    if not options.dry_run:
        _become(command, variables)
    return 0


def _become(command: list[str], variables: dict[str, str]) -> NoReturn:
    """Let vLLM take this process over, so that it has its signals and its exit status."""
    beside = Path(sys.executable).parent / "vllm"
    program = str(beside) if os.access(beside, os.X_OK) else shutil.which("vllm")
    if program is None:
        raise SettingsError(
            "vLLM is not installed in this environment",
            next_step="docs/vllm.md says how to install both; --dry-run only prints the command.",
        )
    sys.stdout.flush()
    os.execve(program, command, {**os.environ, **variables})
