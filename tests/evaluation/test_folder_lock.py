"""The lock on the folder of an evaluation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import EvaluationError
from app.evaluation.folder_lock import lock_folder

CHILD = """
import sys
from pathlib import Path
from app.evaluation.folder_lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_second_evaluation_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    with lock_folder(folder):
        with pytest.raises(EvaluationError, match="Another evaluation is writing"):
            lock_folder(folder).__enter__()
        with lock_folder(tmp_path / "other"), lock_folder(folder, rank=1):
            pass
    with lock_folder(folder):
        pass


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match="cannot be written"):
        lock_folder(tmp_path / "file").__enter__()


@pytest.mark.process
def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"locked\n"
        with pytest.raises(EvaluationError, match=f"process {child.pid}"):
            lock_folder(tmp_path).__enter__()
    finally:
        child.kill()
        child.communicate()
    with lock_folder(tmp_path):
        pass
