"""``kill -9`` at any moment: the history opens, prompts are there, half a second is lost at most.

Ten times in the suite; ``make long`` does it two hundred times and measures the half second.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings

from app.checkpoints.recipes.recipe_file import read_recipe
from app.errors import HistoryError
from app.history.archive import Archive
from app.history.database import Database, open_history
from app.history.schema import VERSIONS
from app.running import RunningMark
from tests.history.invented import Desk, new_run, write_run
from tests.reliability.jobs import MORE_TABLES
from tests.reliability.nursery import Child, Nursery

pytestmark = pytest.mark.kill

TIMES = int(os.environ.get("TUNESHIFT_KILLS", "10"))
PHASES = ("typed", "Load", "Generate", "token", "saving", "migrating")
MOST_LOST_NS = 500_000_000 if "TUNESHIFT_KILLS" in os.environ else 20_000_000_000
"""Half a second where the machine has nothing else to do; the suite may run on a busy one."""


def kill_when(child: Child, phase: str, drawn: random.Random) -> tuple[list[dict[str, Any]], int]:
    """Kill the child a moment after the ``n``-th time it says that it is in ``phase``.

    Returns:
        What it said, and when it was killed.
    """
    said = []
    times = drawn.randrange(1, {"token": 40, "Load": 2}.get(phase, 4))
    for line in child.lines():
        said.append(line)
        if phase in line or line.get("phase") == phase:
            times -= 1
            if not times:
                break
    threading.Event().wait(drawn.random() * (0.01 if phase == "saving" else 0.15))
    killed = time.monotonic_ns()
    child.signal(signal.SIGKILL)
    said += child.lines()
    assert child.wait() == -signal.SIGKILL
    return said, killed


def check_history(path: Path, said: list[dict[str, Any]], killed: int) -> int:
    """Nothing is damaged, and what is older than half a second is there; how many tokens miss."""
    told: list[HistoryError] = []
    database = open_history(path, told.append)
    assert told == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    archive = Archive(database)
    missing = 0
    try:
        found = {run.id: run for run in archive.find()}
        for line in said:
            if "began" in line and killed - line["at"] > MOST_LOST_NS:
                assert found[line["id"]].prompt == line["began"]
            if "came" in line:
                kept = len(archive.tokens(line["came"])) if line["came"] in found else 0
                if killed - line["at"] > MOST_LOST_NS:
                    assert kept > line["last"]
        for run_id in found:
            tokens = archive.tokens(run_id)
            assert [token.index for token in tokens] == list(range(len(tokens)))
        missing = count_missing(said, archive, found)
    finally:
        archive.close()
    return missing


def count_missing(said: list[dict[str, Any]], archive: Archive, found: Any) -> int:
    """Tokens that the window had and the history has not."""
    last: dict[str, int] = {}
    for line in said:
        if "came" in line:
            last[line["came"]] = line["last"]
    return sum(
        max(0, index + 1 - (len(archive.tokens(id_)) if id_ in found else 0))
        for id_, index in last.items()
    )


def check_engine_tokens(path: Path, said: list[dict[str, Any]], killed: int) -> None:
    """The same, counted from when the engine drew each token of the last text."""
    drawn = [line for line in said if "token" in line]
    begun = [line for line in said if "began" in line]
    asked = sum(line.get("phase") == "Generate" for line in said)
    if not drawn or asked != len(begun) or begun[-1]["at"] > drawn[-1]["at"]:
        return  # which text the last tokens are of has not been said yet
    last = drawn[-1]["run"]
    due = [x["token"] for x in drawn if x["run"] == last and killed - x["at"] > MOST_LOST_NS]
    archive = Archive(Database(path))
    try:
        if due:
            assert len(archive.tokens(begun[-1]["id"])) > due[-1]
    finally:
        archive.close()


def check_prompt(home: Path, said: list[dict[str, Any]], killed: int) -> None:
    """What stood in the field half a second before is what the next start shows, or newer."""
    typed = [line for line in said if "typed" in line]
    old = [place for place, line in enumerate(typed) if killed - line["at"] > MOST_LOST_NS]
    if not old:
        return
    memory = QSettings(
        str(home / "xdg_config_home" / "tuneshift" / "window.ini"), QSettings.Format.IniFormat
    )
    shown = memory.value("prompt")
    newer = {line["typed"] for line in typed[old[-1] :]}
    following = said[said.index(typed[old[-1]]) :]
    replaced = any("began" in line for line in following)  # a new text stands in the field
    assert shown in newer or replaced


@pytest.mark.parametrize("number", range(TIMES))
def test_killed_at_any_moment(
    nursery: Nursery,
    recipe_files: dict[str, Path],
    template: Path,
    tmp_path: Path,
    number: int,
) -> None:
    """With one engine after the other, in each phase."""
    phase, drawn = PHASES[number % len(PHASES)], random.Random(number)
    engine, recipe_file = list(recipe_files.items())[number // len(PHASES) % len(recipe_files)]
    if phase == "migrating":
        check_migration(nursery, template, tmp_path, drawn)
        return
    home = tmp_path / "home"
    with nursery.child("person", recipe_file, number, home=home) as child:
        said, killed = kill_when(child, phase, drawn)
    path = home / "xdg_data_home" / "tuneshift" / "history.sqlite3"
    missing = 0
    if path.exists() or any(killed - x["at"] > MOST_LOST_NS for x in said if "began" in x):
        missing = check_history(path, said, killed)
        check_engine_tokens(path, said, killed)
    check_prompt(home, said, killed)
    saved = home / "xdg_config_home" / "mine.toml"
    if any(line.get("phase") == "saved" for line in said):
        assert read_recipe(saved).description == "x" * 100_000
    elif saved.exists():
        read_recipe(saved)
    mark = RunningMark(home / "xdg_state_home" / "tuneshift")
    assert mark.begin()  # and the next start loads nothing by itself
    mark.end()
    print(f"{engine}, killed while “{phase}”: {missing} tokens miss")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of 60 runs, to be brought to a next version."""
    path = tmp_path_factory.mktemp("old") / "history.sqlite3"
    desk = Desk(path)
    for number in range(60):
        write_run(desk.writer, new_run(f"run {number}"), 20)
    desk.writer.flush(60)
    desk.close()
    return path


def check_migration(nursery: Nursery, template: Path, tmp_path: Path, drawn: random.Random) -> None:
    path = tmp_path / "history.sqlite3"
    path.write_bytes(template.read_bytes())
    with nursery.child("migrate", path, home=tmp_path / "home") as child:
        child.wait_for(phase="migrating")
        threading.Event().wait(drawn.random() * 0.15)
        child.signal(signal.SIGKILL)
        child.wait()
    archive = Archive(Database(path, (*VERSIONS, MORE_TABLES)))
    try:
        runs = archive.find()
        assert len(runs) == 60
        assert all(len(archive.tokens(run.id)) == 20 for run in runs)
    finally:
        archive.close()
    backup = path.with_name(f"history.v{len(VERSIONS)}.sqlite3")
    assert backup.exists()
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (60,)
