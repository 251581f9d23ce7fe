"""Programs of their own, for what would end or change the process of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 240


def environment(home: Path, **others: str) -> dict[str, str]:
    """The environment of a program whose user folders are in ``home``."""
    folders = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
    return {**os.environ, **{name: str(home / name.lower()) for name in folders}, **others}


def run_python(
    code: str, *arguments: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``code`` with the modules of the tests at hand."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
