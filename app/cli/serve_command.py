"""``tuneshift serve``: serves a proxy-tuned model with the OpenAI API."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE, find_recipe
from app.checkpoints.status import LoadProgress
from app.cli.conflicting_options import refuse_together
from app.cli.output import print_line
from app.cli.progress_line import ProgressLine, progress_text
from app.cli.roles import with_placement
from app.errors import SettingsError
from app.extras import install_hint
from app.server.access import ANY_ORIGIN, NO_ORIGIN, Access
from app.server.listening import Service, listen, url_of
from app.settings import MOST_PARALLEL_REQUESTS, PREFIX_MEGABYTES

KEY_VARIABLE = "TUNESHIFT_SERVE_KEY"


def serve(options: argparse.Namespace) -> int:
    """Run ``tuneshift serve``; returns the exit status.

    Raises:
        TuneshiftError: The recipe, the models or the address are invalid.
    """
    status = ProgressLine()
    status.show("Starting …")
    try:
        return _serve(options, status)
    finally:
        status.clear()


def _serve(options: argparse.Namespace, status: ProgressLine) -> int:
    try:
        from app.server.uvicorn_server import serve as answer
    except ImportError as error:
        raise SettingsError(
            "The server is not installed",
            evidence=str(error),
            next_step=install_hint("serve"),
        ) from error
    if options.prefix_cache not in PREFIX_MEGABYTES:
        raise SettingsError(
            f"--prefix-cache must be from 0 to {PREFIX_MEGABYTES[-1]:,} MiB",
            evidence=f"{options.prefix_cache:,} was given",
        )
    if not 1 <= options.parallel <= MOST_PARALLEL_REQUESTS:
        raise SettingsError(
            f"--parallel must be from 1 to {MOST_PARALLEL_REQUESTS}",
            evidence=f"{options.parallel:,} was given",
        )
    recipe = with_placement(find_recipe(options.recipe or DEFAULT_RECIPE), options)
    refuse_together(options, "api_key_file", ["api_key"])
    access = Access(options.host, _key(options), tuple(map(_origin, options.allow_origin)))
    service = Service(access, options.port)
    listener = listen(service)

    def on_progress(progress: LoadProgress) -> None:
        status.show(progress_text(progress))

    def on_ready() -> None:
        status.clear()
        print_line(f"Serving “{recipe.name}” at {url_of(listener)}")
        print("Press Ctrl+C to stop.", file=sys.stderr, flush=True)

    with listener, _exit_on_termination():
        try:
            asyncio.run(
                answer(
                    service,
                    recipe,
                    listener,
                    on_progress,
                    on_ready,
                    options.proof,
                    options.prefix_cache * 2**20,
                    options.parallel,
                )
            )
        except KeyboardInterrupt:
            return 130
    return 0


@contextmanager
def _exit_on_termination() -> Iterator[None]:
    """Exit with status 0 on SIGTERM while the models are loaded; later the server handles it."""
    previous = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _key(options: argparse.Namespace) -> str:
    if options.api_key_file:
        try:
            key = Path(options.api_key_file).expanduser().read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"The API key file {options.api_key_file} cannot be read", evidence=str(error)
            ) from error
        if not key:
            raise SettingsError(f"The API key file {options.api_key_file} is empty")
        return key
    key = options.api_key if options.api_key is not None else os.environ.get(KEY_VARIABLE, "")
    if options.api_key == "":
        raise SettingsError("The API key is empty", next_step="Give a key, or omit --api-key.")
    return str(key)


def _origin(origin: str) -> str:
    """A web origin, checked: scheme and host, without a path; or ``null``, or ``*``."""
    if origin in (ANY_ORIGIN, NO_ORIGIN):
        return origin
    scheme, separator, rest = origin.partition("://")
    if scheme not in ("http", "https") or not separator or not rest or set(rest) & set("/*? "):
        raise SettingsError(
            f"“{origin}” is not a web origin",
            next_step="Examples: https://chat.example.org, null (for files), * (for all pages)",
        )
    return origin
