"""Schema versions, backups, and damaged or unusable files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import HistoryError
from app.history.archive import Archive
from app.history.database import Database, open_history, open_to_read
from app.history.schema import VERSIONS
from tests.history.invented import Desk, new_run, write_run

NEXT = (*VERSIONS, ("ALTER TABLE run ADD COLUMN mood TEXT", "UPDATE run SET mood = 'fine'"))


@pytest.fixture
def filled(path: Path) -> tuple[Path, str]:
    """A history with one run, and its id."""
    desk, run = Desk(path), new_run("kept")
    write_run(desk.writer, run, 3)
    desk.close()
    return path, run.id


def one(path: Path, query: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()[0]


def test_a_new_history_has_the_latest_schema_and_wal(path: Path) -> None:
    Database(path)
    assert one(path, "PRAGMA user_version") == len(VERSIONS)
    assert one(path, "PRAGMA journal_mode") == "wal"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_older_schema_is_backed_up_and_migrated(filled: tuple[Path, str]) -> None:
    path, run_id = filled
    Database(path, NEXT)
    assert one(path, "SELECT mood FROM run") == "fine"
    assert one(path, "PRAGMA user_version") == len(NEXT)
    backup = path.with_name(f"history.v{len(VERSIONS)}.sqlite3")
    archive = Archive(Database(backup))
    assert len(archive.tokens(run_id)) == 3
    archive.close()
    assert one(backup, "PRAGMA user_version") == len(VERSIONS)


def test_a_failed_migration_changes_nothing(filled: tuple[Path, str]) -> None:
    path, run_id = filled
    with pytest.raises(HistoryError, match="cannot be used"):
        Database(path, (*NEXT[:-1], (*NEXT[-1], "NONSENSE")))
    archive = Archive(Database(path))
    assert archive.get(run_id).prompt == "kept"
    archive.close()


def test_a_newer_schema_is_rejected_and_unchanged(filled: tuple[Path, str]) -> None:
    path, _ = filled
    Database(path, NEXT)
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="newer version of Tuneshift"):
        Database(path)
    told: list[HistoryError] = []
    assert open_history(path, told.append).in_memory
    assert "kept in memory" in told[0].next_step
    assert path.read_bytes() == before


def test_opening_to_read_creates_no_file(path: Path) -> None:
    with pytest.raises(HistoryError, match="no history of runs yet"):
        open_to_read(path)
    assert not path.exists()


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\7" * 5000]
)
def test_a_damaged_file_is_set_aside_and_replaced(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    desk, run = Desk(path), new_run()
    write_run(desk.writer, run, 2)
    desk.close()
    (error,) = desk.told
    (aside,) = path.parent.glob("history.damaged-*.sqlite3")
    assert str(aside) in str(error)
    assert aside.read_bytes() == content
    archive = Archive(Database(path))
    assert archive.get(run.id).summary.tokens == 2
    archive.close()


@pytest.mark.slow
@settings(max_examples=10)
@given(data=st.data())
def test_overwritten_bytes_never_crash_the_program(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Recording continues, and readers get a ``HistoryError`` at worst."""
    path = tmp_path_factory.mktemp("damaged") / "history.sqlite3"
    desk, run = Desk(path), new_run("before")
    write_run(desk.writer, run, 6)
    desk.close()
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 64))
        content[place : place + 64] = data.draw(st.binary(min_size=64, max_size=64))
    path.write_bytes(content)
    desk, later = Desk(path), new_run("after")
    write_run(desk.writer, later, 2)
    archive = desk.archive()
    assert [token.index for token in archive.tokens(later.id)] == [0, 1]
    for look in (archive.get, archive.tokens, lambda id_: list(archive.all_candidates(id_))):
        with suppress(HistoryError):
            look(run.id)
    archive.find()
    archive.close()
    desk.close()


_AS_NOBODY = """
import os, sys
from pathlib import Path
from tests.history.invented import Desk, new_run, write_run
def record(path):
    desk, run = Desk(Path(path)), new_run()
    try:
        write_run(desk.writer, run, 3)
        print(len(desk.archive().tokens(run.id)), *map(str, desk.told), sep="|")
    finally:
        desk.close()
record(sys.argv[1])  # everything is imported now
if os.getuid() == 0:
    os.setgroups([]); os.setegid(65534); os.seteuid(65534)
record(sys.argv[2])
"""


def _in_child(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    ).stdout


@pytest.mark.process
def test_an_unwritable_folder(tmp_path: Path) -> None:
    """Runs in a child process without privileges, because tests may run as root."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if os.access(folder, os.W_OK) and folder != Path("/tmp"):
            folder.chmod(0o755)
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    out = _in_child(_AS_NOBODY, str(tmp_path / "open.sqlite3"), str(folder / "history.sqlite3"))
    assert out.splitlines()[0] == "3"
    written, *told = out.splitlines()[1].split("|")
    assert written == "3"
    assert len(told) == 1
    assert "kept in memory" in told[0]
    assert list(folder.iterdir()) == []


_ON_A_SMALL_DISK = """
import resource, signal, sys
from pathlib import Path
from tests.history.invented import Desk, in_force, new_run, steps, write_run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
desk, run, parent = Desk(Path(sys.argv[1])), new_run("full"), new_run("parent")
try:
    write_run(desk.writer, parent, 4)
    desk.writer.begin(run)
    desk.writer.describe(run.id, in_force(run))
    made = steps(60)
    for token in made[:10]:
        desk.writer.add(run.id, *token)
    assert desk.writer.flush(60)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    for token in made[10:]:
        desk.writer.add(run.id, *token)
    branch = new_run("branch", parent=parent.id, fork_index=3)
    write_run(desk.writer, branch, 2)
    archive = desk.archive()
    ids = [token.token_id for token in archive.tokens(run.id)]
    print(desk.writer.database.in_memory, ids == [token.token_id for token, _ in made],
          len(list(archive.all_candidates(run.id))), len(archive.tokens(branch.id)),
          archive.get(run.id).prompt, len(archive.get(run.id).labels), len(desk.told),
          desk.told[0], sep="|")
finally:
    desk.close()
"""


@pytest.mark.process
def test_a_full_disk_during_a_run_loses_nothing(path: Path) -> None:
    out = _in_child(_ON_A_SMALL_DISK, str(path)).strip().split("|")
    assert out[:-1] == ["True", "True", "60", "5", "full", "300", "1"]
    assert "kept in memory" in out[-1]
    archive = Archive(Database(path))
    assert {run.prompt for run in archive.find()} == {"full", "parent"}
    archive.close()


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_thread_reads_while_another_is_inside_a_python_function(
    in_memory: bool, path: Path
) -> None:
    database = Database(None if in_memory else path)
    inside, has_read = threading.Event(), threading.Event()

    def meet() -> bool:
        inside.set()
        return has_read.wait(60)

    def call(found: list[object]) -> None:
        connection = database.connect()
        connection.create_function("meet", 0, meet)
        found += connection.execute("SELECT meet()").fetchone()
        database.disconnect(connection)

    met: list[object] = []
    thread = threading.Thread(target=call, args=(met,))
    thread.start()
    assert inside.wait(60)
    archive = Archive(database)
    assert archive.find() == []
    has_read.set()
    thread.join()
    archive.close()
    database.close()
    assert met == [1]


@pytest.mark.slow
def test_processes_can_create_the_same_history_concurrently(tmp_path: Path) -> None:
    troubles: list[Exception] = []
    together = threading.Barrier(4)

    def begin(path: Path) -> None:
        together.wait(60)
        try:
            Database(path).close()
        except HistoryError as error:
            troubles.append(error)

    for number in range(40):
        path = tmp_path / f"{number}.sqlite3"
        threads = [threading.Thread(target=begin, args=(path,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert troubles == []
