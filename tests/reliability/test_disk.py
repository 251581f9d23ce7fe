"""Disks that are full or take nothing: what was there stays, the person is told, and it goes on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.checkpoints.recipes.recipe_file import read_recipe
from tests.reliability.nursery import Nursery

FOLDERS = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")


def mount(*options: str) -> None:
    done = subprocess.run(["mount", *options], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place))
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def on(disk: Path) -> dict[str, str]:
    """The user folders of a program that lives on ``disk``."""
    return {name: str(disk / name.lower()) for name in FOLDERS}


def fill(disk: Path) -> None:
    """Leave not a byte."""
    for size in (65_536, 512, 1):
        with suppress(OSError), (disk / "filler").open("ab", buffering=0) as filler:
            while filler.write(bytes(size)):
                pass


def stored(disk: Path) -> list[tuple[str, int]]:
    """Prompts of the runs on the disk and how many tokens they have, read from a copy."""
    path = disk / "xdg_data_home" / "tuneshift" / "history.sqlite3"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute(
            "SELECT prompt, (SELECT count(*) FROM token WHERE run = number) FROM run "
            "ORDER BY number"
        ).fetchall()


def test_a_disk_that_fills_up_under_the_window(
    nursery: Nursery, recipe_file: Path, disk: Path, tmp_path: Path
) -> None:
    saved = disk / "saved"
    with nursery.child("saving", recipe_file, saved, home=tmp_path / "home", **on(disk)) as child:
        first = child.wait_for(step="first")
        before = {path.name: path.read_bytes() for path in saved.iterdir()}
        assert set(before) == {"mine.toml", "run.json"}
        fill(disk)
        (saved / "go").symlink_to("nowhere")  # takes no room
        second = child.wait_for(step="second")
        child.signal(15)
        list(child.lines())
        assert child.wait() == 0
    assert any("kept in memory" in text and "full" in text for text in second["told"])
    assert any("The recipe cannot be saved" in text for text in second["told"])
    assert any("cannot be written" in text for text in second["told"])
    assert any("The preferences cannot be saved" in text for text in second["told"])
    assert second["tokens"] == 30
    assert second["runs"] == 2  # both are to be seen, one of them in memory alone
    assert {name: (saved / name).read_bytes() for name in before} == before
    read_recipe(saved / "mine.toml")
    assert ("first", first["tokens"]) in stored(disk)
    assert not list(disk.rglob("*.part"))


def test_folders_that_cannot_be_written_to(
    nursery: Nursery, recipe_file: Path, disk: Path, tmp_path: Path
) -> None:
    """The window opens, says so, and generates with its history in memory."""
    mount("-o", "remount,ro", str(disk))
    with nursery.child(
        "saving", recipe_file, disk / "saved", home=tmp_path / "home", **on(disk)
    ) as child:
        first = child.wait_for(step="first")
        child.signal(15)
        list(child.lines())
        assert child.wait() == 0
    assert any("kept in memory" in text for text in first["told"])
    assert any("The recipe cannot be saved" in text for text in first["told"])
    assert first["tokens"] == 30
    assert first["runs"] == 1
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("form", [(), ("--json",), ("--shifts",)], ids=["text", "json", "shifts"])
def test_output_to_a_full_disk_is_one_line_and_status_2(
    nursery: Nursery, recipe_file: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    command = ("generate", "the king", "--recipe", str(recipe_file), *form)
    with nursery.child("to_a_full_disk", *command, home=tmp_path) as child:
        assert child.wait_for()["status"] == 2
        assert child.wait() == 0
    errors = (tmp_path / "stderr").read_text()
    assert errors == "tuneshift: The output cannot be written. No space left on device.\n"
