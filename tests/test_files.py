"""A file holds what it held before or all that was to be written, whatever happens."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.atomic_files import set_aside, write_file

pytestmark = pytest.mark.unit


def test_the_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    for content in ("first", "한국어", b"\x00\xff"):
        write_file(path, content)
        expected = content.encode() if isinstance(content, str) else content
        assert path.read_bytes() == expected
    assert list(tmp_path.iterdir()) == [path]


def test_pieces_are_written_one_after_the_other_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_file(path, (piece for piece in (b"one ", b"two")))
    assert path.read_bytes() == b"one two"

    def broken() -> Iterator[bytes]:
        yield b"other"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_file(path, broken())
    assert path.read_bytes() == b"one two"
    assert list(tmp_path.iterdir()) == [path]


def test_the_rights_stay_and_new_files_have_the_usual_ones(tmp_path: Path) -> None:
    path, usual = tmp_path / "mine", tmp_path / "usual"
    usual.touch()
    write_file(path, "a")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
    path.chmod(0o640)
    write_file(path, "b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    link.symlink_to(target)
    write_file(link, "through")
    assert link.is_symlink()
    assert target.read_text() == "through"


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_what_cannot_be_written_leaves_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = tmp_path / "file"
    write_file(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync" if fails == "fsync" else "pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_file(path, "new" * 1000)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    write_file(Path(f"/dev/fd/{writer}"), "through the pipe")
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "through the pipe"
    with pytest.raises(OSError, match="No space left"):
        write_file(Path("/dev/full"), "lost")
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path, "a folder")


def test_a_damaged_file_makes_room_with_what_belongs_to_it(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    for ending in ("", "-wal"):
        Path(f"{path}{ending}").write_text(ending or "itself")
    aside = set_aside(path, ("-wal", "-shm"))
    assert not path.exists()
    assert aside.parent == tmp_path
    assert aside.suffix == ".db"
    assert aside.read_text() == "itself"
    assert Path(f"{aside}-wal").read_text() == "-wal"
