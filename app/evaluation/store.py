"""Storage of answers: JSON lines in a folder, appended as they arrive.

An evaluation can resume from them. Imports no torch.
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
    """A digest of everything an answer depends on."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class AnswerFile:
    """The answers of one variant to one task: JSON lines, each with the key of its question.

    An incomplete last line, of a process that was killed, is ignored and overwritten. Lines with
    other keys, such as those of another recipe, are kept. Each of several processes writes its own
    file and reads all of them.

    Args:
        path: The file of the first process; it may not exist.
        rank: Index of this process.
    """

    def __init__(self, path: Path, rank: int = 0) -> None:
        self._first = path
        self.path = path.with_suffix(f".{rank}.jsonl") if rank else path
        self._whole = False

    def read(self, keys: Collection[str]) -> dict[str, Record]:
        """The stored answers with these keys.

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
        """The last stored answer to each question, by question index, regardless of the key.

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
        """Append answers. They are passed to the operating system before this method returns.

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
    for line in lines[:-1]:  # the part after the last line break is incomplete
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("key"), str):
            yield record


class ResultFolder:
    """The folder with the answers and results of an evaluation.

    Args:
        folder: The folder, created if it does not exist.
        rank: Index of this process.
    """

    def __init__(self, folder: Path, rank: int = 0) -> None:
        self.folder = folder
        self._rank = rank

    def answers(self, task: str, variant: str) -> AnswerFile:
        """The answer file of a variant and a task."""
        folder = self.folder / "answers" / file_name(task)
        return AnswerFile(folder / f"{file_name(variant)}.jsonl", self._rank)

    def write(self, name: str, content: object) -> Path:
        """Write a JSON file atomically.

        Raises:
            EvaluationError: The file cannot be written.
        """
        text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
        return self.write_text(name, text + "\n")

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file atomically.

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
    """A unique file name for ``name`` that is valid on all file systems."""
    safe = re.sub(r"[^\w.-]+", "_", name.replace("×", "x"), flags=re.ASCII)
    is_safe = safe == name and name.strip(".")  # “.” and “..” are folders
    return safe if is_safe else f"{safe}-{key_of(name)[:6]}"


def _unwritable(path: Path, error: OSError) -> EvaluationError:
    return EvaluationError(
        f"{path} cannot be written",
        evidence=str(error),
        next_step="Choose another folder with --output.",
    )
