"""What commands and the Python API import: what needs no model does without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiny

pytestmark = [pytest.mark.process, pytest.mark.slow]

_RUN = """
import json, sys
from app.__main__ import main
try:
    status = main(sys.argv[1:])
except SystemExit as ended:
    status = ended.code
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status in (0, None), done.stderr
    return set(modules)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma2"])
def test_a_check_imports_neither_torch_nor_models(
    families: dict[str, tiny.Family], architecture: str
) -> None:
    family = families[architecture]
    models = [str(folder) for folder in (family.base, family.expert, family.antiexpert)]
    found = imported("check", *models, "--device", "cpu")
    assert "torch" not in found
    assert [name for name in found if name.startswith("transformers.models.")] == []


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("cache",), ("check", "--help"), ("completion", "bash")],
)
def test_what_needs_no_model_imports_no_large_library(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    found = imported(*arguments)
    assert not found & {"torch", "transformers", "PySide6"}


_IMPORT = """
import json, sys, app
first = sorted(sys.modules)
app.load
print(json.dumps([first, sorted(sys.modules)]))
"""


def test_the_python_api_imports_torch_with_the_first_load() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    first, used = map(set, json.loads(done.stdout))
    assert not first & {"numpy", "torch", "transformers", "app.engine"}
    assert "app.api" in used
    assert not used & {"torch", "transformers", "PySide6", "pyarrow"}
