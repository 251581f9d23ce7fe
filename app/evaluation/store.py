"""Answers in a folder, a line for each as soon as it is there: nothing has to be asked twice.

Imports no torch: the window uses it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from glob import escape
from pathlib import Path
from typing import Any

from app.atomic_files import write_file
from app.errors import EvaluationError

Record = dict[str, Any]


def key_of(*parts: object) -> str:
    """A digest of what an answer depends on."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class AnswerFile:
    """Answers of one view to one task: JSON lines, each with the key of what it answers.

    A line that a kill cut off is left out and written over. Lines of other keys, as of another
    recipe, stay and are not looked at. Each of several processes writes a file of its own and reads
    those of all.

    Args:
        path: The file of the first process; it need not be there.
        rank: Which process this is.
    """

    def __init__(self, path: Path, rank: int = 0) -> None:
        self._first = path
        self.path = path.with_suffix(f".{rank}.jsonl") if rank else path
        self._whole = False

    def read(self, keys: Collection[str]) -> dict[str, Record]:
        """The answers to ``keys`` that are there.

        Raises:
            EvaluationError: The file cannot be read.
        """
        wanted = set(keys)
        return {
            record["key"]: record
            for path in self._files()
            for record in _records(path)
            if record["key"] in wanted
        }

    def latest(self) -> dict[int, Record]:
        """The last answer to each question, by its index, whatever it depended on.

        Raises:
            EvaluationError: The file cannot be read.
        """
        return {
            record["index"]: record
            for path in self._files()
            for record in _records(path)
            if isinstance(record.get("index"), int)
        }

    def _files(self) -> list[Path]:
        others = self._first.parent.glob(f"{escape(self._first.stem)}.*.jsonl")
        return [self._first, *sorted(others)]

    def append(self, records: Collection[Record]) -> None:
        """Add answers; when this returns, they are on their way to the disk.

        Raises:
            EvaluationError: The file cannot be written.
        """
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._drop_partial_line()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _drop_partial_line(self) -> None:
        if self.path.exists() and not self._whole:
            with self.path.open("rb+") as file:
                content = file.read()
                file.truncate(content.rfind(b"\n") + 1)
        self._whole = True


def _records(path: Path) -> Iterator[Record]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read", evidence=str(error)) from error
    for line in lines[:-1]:  # what is after the last line break was cut off
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("key"), str):
            yield record


class ResultFolder:
    """Where an evaluation keeps its answers and its results.

    Args:
        folder: Made when it is missing.
        rank: Which of several processes this is.
    """

    def __init__(self, folder: Path, rank: int = 0) -> None:
        self.folder = folder
        self._rank = rank

    def answers(self, task: str, view: str) -> AnswerFile:
        """The answers of a view to a task."""
        folder = self.folder / "answers" / file_name(task)
        return AnswerFile(folder / f"{file_name(view)}.jsonl", self._rank)

    def write(self, name: str, content: object) -> Path:
        """Write a JSON file; whoever reads it sees the old or the new one.

        Raises:
            EvaluationError: The file cannot be written.
        """
        text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
        return self.write_text(name, text + "\n")

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of text in the same way.

        Raises:
            EvaluationError: The file cannot be written.
        """
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, text)
        except OSError as error:
            raise _unwritable(path, error) from error
        return path


def file_name(name: str) -> str:
    """A name that any file system takes, and another one for every other name."""
    safe = re.sub(r"[^\w.-]+", "_", name.replace("×", "x"), flags=re.ASCII)
    is_safe = safe == name and name.strip(".")  # “..” is another folder
    return safe if is_safe else f"{safe}-{key_of(name)[:6]}"


def _unwritable(path: Path, error: OSError) -> EvaluationError:
    return EvaluationError(
        f"{path} cannot be written",
        evidence=str(error),
        next_step="Choose another folder with --output.",
    )
