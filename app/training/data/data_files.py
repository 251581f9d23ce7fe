"""Reading of training data: a folder of texts, JSON lines, or a table with a header (CSV)."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.checkpoints.conversation import ASSISTANT, Conversation, conversation_of
from app.errors import PromptError, TrainingError
from app.evaluation.data_lines import read_lines
from app.training.data.documents import Document, Passage
from app.training.data.sections import SECTION_CHARACTERS, cut_into_sections
from app.training.data.training_files import WRITTEN, is_training

TEXT_ENDINGS = (".txt", ".md")
LINE_ENDINGS = (".jsonl", ".jsonl.gz", ".json")
TABLE_ENDINGS = (".csv", ".tsv")
FEW_FILES = 40
"""Longer texts are cut into sections, which are then the documents, if there are fewer files."""

_PROMPTS = ("prompt", "question", "instruction")
_ANSWERS = ("answer", "completion", "response", "output")
_TEXT, _MESSAGES, _DOCUMENT = "text", "messages", "document"
_LONGEST_FIELD = 2**31 - 1
"""The characters of a field of a table; a larger limit is no C long on Windows."""

_FORMS = (
    "Each line needs “text”, or “prompt” and “answer”, or “messages” with an answer of the "
    "assistant."
)


@dataclass(frozen=True, slots=True)
class DataFiles:
    """What was read.

    Attributes:
        documents: The documents, in the order of files and lines.
        files: The number of files.
        cut: Whether texts were cut into sections, which are the documents.
    """

    documents: tuple[Document, ...]
    files: int
    cut: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of JSON lines or of a table: its place and its fields."""

    place: str
    values: Mapping[str, Any]


def read_data(path: Path) -> DataFiles:
    """Read the training data in a file, or in all files of a folder and the folders in it.

    Raises:
        TuneshiftError: A file cannot be read or has another form; the error names file and line.
    """
    files = _files(path)
    cut = sum(map(_is_text, files)) < FEW_FILES
    documents: list[Document] = []
    sectioned = False
    for file in files:
        name = file.name if file == path else file.relative_to(path).as_posix()
        if _is_text(file):
            found = _of_text(name, _read_text(file), cut)
            sectioned = sectioned or len(found) > 1
        else:
            found = _of_rows(name, _rows(file, name))
        documents += found
    if not documents:
        raise TrainingError(f"There is no text in {path}", next_step=_FORMS)
    return DataFiles(tuple(documents), len(files), sectioned)


def _is_text(file: Path) -> bool:
    return file.name.lower().endswith(TEXT_ENDINGS)


def _files(path: Path) -> list[Path]:
    endings = (*TEXT_ENDINGS, *LINE_ENDINGS, *TABLE_ENDINGS)
    if not path.exists():
        raise TrainingError(f"There is no file or folder {path}", next_step="Check its name.")
    if path.is_file():
        if path.name.lower().endswith(endings):
            return [path]
        raise TrainingError(
            f"{path.name} is of a kind that cannot be trained on",
            next_step=f"Give a folder or a file that ends with {', '.join(endings)}.",
        )
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and file.name.lower().endswith(endings)
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    trainings = {file.parent for file in found if is_training(file)}
    found = [file for file in found if not _is_written_by(trainings, file, path)]
    if not found:
        raise TrainingError(
            f"The folder {path} has no texts",
            evidence=f"no file in it ends with {', '.join(endings)}",
            next_step="Choose the folder that holds them.",
        )
    return found


def _is_written_by(trainings: Collection[Path], file: Path, data: Path) -> bool:
    """Whether a file stands in the folder of a training, which may also be that of the data."""
    first, *inner = file.relative_to(data).parts
    if data in trainings and first in WRITTEN:
        return True
    within = file.parents[: len(inner)]
    return any(folder in trainings for folder in within)


def _read_text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise TrainingError(
            f"{file.name} is not UTF-8 text",
            evidence=f"byte {error.start + 1:,} is {error.object[error.start]:#04x}",
            next_step="Save it as UTF-8, or take it out of the folder.",
        ) from error
    except OSError as error:
        raise TrainingError(
            f"{file.name} cannot be read", evidence=error.strerror or str(error)
        ) from error


def _of_text(name: str, text: str, cut: bool) -> list[Document]:
    if not text.strip():
        return []
    sections = cut_into_sections(text) if cut else [text]
    if len(sections) == 1:
        return [Document(name, (Passage(text),))]
    last = len(sections)
    return [
        Document(f"{name}, section {place}", (Passage(section, ends=place == last),))
        for place, section in enumerate(sections, 1)
        if section.strip()
    ]


def _rows(file: Path, name: str) -> Iterator[_Row]:
    if file.name.lower().endswith(TABLE_ENDINGS):
        yield from _table(file, name)
    else:
        for line in read_lines(file):
            yield _Row(f"{name}, line {line.number:,}", line.values)


def _table(file: Path, name: str) -> Iterator[_Row]:
    text = _read_text(file)
    separator = "\t" if file.name.lower().endswith(".tsv") else ","
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator, strict=True)
    try:
        columns = [str(column).strip().lower() for column in reader.fieldnames or ()]
        if not set(columns) & {*_PROMPTS, *_ANSWERS, _TEXT, _MESSAGES}:
            raise TrainingError(
                f"The first line of {name} does not name its columns",
                evidence=f"it is “{text.partition(chr(10))[0][:60]}”",
                next_step="Begin it with the names of the columns, such as: prompt,answer",
            )
        reader.fieldnames = columns
        for values in reader:
            yield _Row(f"{name}, line {reader.line_num:,}", values)
    except csv.Error as error:
        raise TrainingError(
            f"Line {reader.reader.line_num:,} of {name} is no line of a table", evidence=str(error)
        ) from error


def _of_rows(name: str, rows: Iterable[_Row]) -> list[Document]:
    """One document for each row, or for all rows of the same “document”."""
    grouped: dict[str, list[Passage]] = {}
    for row in rows:
        document = row.values.get(_DOCUMENT)
        place = f"{name}, document {document}" if document not in (None, "") else row.place
        grouped.setdefault(place, []).extend(_passages(row))
    return [Document(place, tuple(passages)) for place, passages in grouped.items()]


def _passages(row: _Row) -> Sequence[Passage]:
    if row.values.get(_MESSAGES):
        return _turns(row)
    answer = _first(row, _ANSWERS)
    prompt = _first(row, _PROMPTS)
    if answer is not None and prompt is not None:
        more = row.values.get("input")
        whole = f"{prompt}\n\n{more}" if isinstance(more, str) and more.strip() else prompt
        return [Passage(_text(row, answer, _ANSWERS), _text(row, whole, _PROMPTS))]
    if row.values.get(_TEXT) is not None:
        text = _text(row, row.values[_TEXT], (_TEXT,))
        pieces = cut_into_sections(text, 4 * SECTION_CHARACTERS)
        return [Passage(piece, ends=piece is pieces[-1]) for piece in pieces]
    raise TrainingError(
        f"{row.place}, has no text to learn",
        evidence=f"its fields are: {', '.join(map(str, row.values)) or 'none'}",
        next_step=_FORMS,
    )


def _turns(row: _Row) -> list[Passage]:
    """Each answer of the assistant, after the messages before it."""
    try:
        messages = conversation_of(row.values[_MESSAGES]).messages
    except PromptError as error:
        raise TrainingError(
            f"The messages of {row.place}, cannot be read", evidence=str(error)
        ) from error
    found = [
        Passage(message.content, Conversation(messages[:place]))
        for place, message in enumerate(messages)
        if message.role == ASSISTANT and place and message.content.strip()
    ]
    if not found:
        raise TrainingError(
            f"The messages of {row.place}, have no answer of the assistant", next_step=_FORMS
        )
    return found


def _first(row: _Row, names: Sequence[str]) -> Any:
    return next((row.values[name] for name in names if row.values.get(name) is not None), None)


def _text(row: _Row, value: Any, names: Sequence[str]) -> str:
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise TrainingError(
        f"{row.place}, has no text in “{'” or “'.join(names)}”",
        evidence="it is empty" if isinstance(value, str) else f"it is {type(value).__name__}",
        next_step="Fill it, or take the line out.",
    )
