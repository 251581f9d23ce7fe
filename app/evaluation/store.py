"""Answers in a folder, a line for each as soon as it is there: nothing has to be asked twice.

Imports no torch: the window uses it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from app.errors import EvaluationError

Record = dict[str, Any]


def key_of(*parts: object) -> str:
    """A digest of what an answer depends on."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class AnswerFile:
    """Answers of one view to one task: JSON lines, each with the key of what it answers.

    A line that a kill cut off is left out and written over. Lines of other keys, as of another
    recipe, stay and are not looked at.

    Args:
        path: The file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._whole = False

    def read(self, keys: Collection[str]) -> dict[str, Record]:
        """The answers to ``keys`` that are there.

        Raises:
            EvaluationError: The file cannot be read.
        """
        wanted = set(keys)
        return {record["key"]: record for record in self._records() if record["key"] in wanted}

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

    def _records(self) -> Iterator[Record]:
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise EvaluationError(f"{self.path} cannot be read", evidence=str(error)) from error
        for line in lines[:-1]:  # what is after the last line break was cut off
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and "key" in record:
                yield record

    def _drop_partial_line(self) -> None:
        if self.path.exists() and not self._whole:
            with self.path.open("rb+") as file:
                content = file.read()
                file.truncate(content.rfind(b"\n") + 1)
        self._whole = True


class ResultFolder:
    """Where an evaluation keeps its answers and its results.

    Args:
        folder: Made when it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answers(self, task: str, view: str) -> AnswerFile:
        """The answers of a view to a task."""
        return AnswerFile(self.folder / "answers" / _file_name(task) / f"{_file_name(view)}.jsonl")

    def write(self, name: str, content: object) -> Path:
        """Write a JSON file; whoever reads it sees the old or the new one.

        Raises:
            EvaluationError: The file cannot be written.
        """
        path = self.folder / name
        part = path.with_suffix(".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
            part.write_text(text + "\n", encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from error
        return path


def _file_name(name: str) -> str:
    """A name that any file system takes, and another one for every other name."""
    safe = re.sub(r"[^\w.-]+", "_", name.replace("×", "x"), flags=re.ASCII)
    return safe if safe == name else f"{safe}-{key_of(name)[:6]}"


def _unwritable(path: Path, error: OSError) -> EvaluationError:
    return EvaluationError(
        f"{path} cannot be written",
        evidence=str(error),
        next_step="Choose another folder with --output.",
    )
