"""Output on streams with any encoding."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

NAME = "α “quoted” 한국어"
SHOWN = {"ascii": b"\\u03b1", "cp1252": b"\\u03b1", "utf-8": "α".encode()}


@pytest.mark.parametrize("encoding", SHOWN)
def test_unencodable_characters_are_escaped(encoding: str) -> None:
    code = (
        "from app.cli import output; output.configure_streams(); "
        f"print({NAME!r}); raise SystemExit(output.flush_stdout(0))"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(SHOWN[encoding])
