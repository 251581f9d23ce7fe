"""What is known of how the program was built, and how a person comes to what it lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app import resources
from app.errors import EvaluationError
from app.evaluation.code_execution import passes
from app.extras import install_hint

pytestmark = pytest.mark.process


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the program, with nothing in it."""
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", folder)
    return folder


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)


def test_a_packaged_program_knows_the_commit_that_it_was_built_from(package: Path) -> None:
    (package / "_resources").mkdir()
    (package / "_resources" / "commit").write_text("abc1234\n")
    assert resources.commit() == "abc1234"


def test_a_checkout_asks_git_and_marks_changes(package: Path) -> None:
    checkout = package.parent
    git(checkout, "init", "--quiet")
    (checkout / "file").write_text("1")
    git(checkout, "add", "file")
    git(checkout, "commit", "--quiet", "-m", "A change")
    clean = resources.commit()
    assert clean
    assert git(checkout, "rev-parse", "HEAD").startswith(clean)
    (checkout / "file").write_text("2")
    assert resources.commit() == f"{clean}+"


def test_a_folder_inside_of_another_checkout_is_not_asked(package: Path) -> None:
    git(package.parent, "init", "--quiet")
    assert resources._commit_of_checkout(package) == ""


def test_no_commit_without_git(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(package.parent, "init", "--quiet")
    assert resources.commit() == ""  # there is none yet
    monkeypatch.setenv("PATH", "")
    assert resources.commit() == ""


def test_an_extra_is_installed_into_python_and_never_into_a_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert install_hint("serve") == "Install it: pip install 'tuneshift[serve]'"
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert install_hint("serve").startswith("The packaged program comes without it.")


@pytest.mark.usefixtures("packaged")
def test_the_packaged_program_starts_no_python_for_programs_of_models() -> None:
    """``sys.executable`` is the program itself there: every answer would count as wrong."""
    with pytest.raises(EvaluationError, match="contains no Python interpreter"):
        passes("print(1)")
