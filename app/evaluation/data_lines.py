"""The data of a task: JSON lines or one JSON list, and templates filled with their fields."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.errors import EvaluationError

_FIELD = re.compile(r"\{(\w+)\}")
_ANSWER_FIELDS = ("output", "role")
_FORM = "Write a JSON object in each line, or one list of them."


def read_lines(path: Path) -> Iterable[Line]:
    """Read the non-empty lines of a data file, which may be compressed with gzip.

    Raises:
        EvaluationError: The file cannot be read, or a line is invalid.
    """
    try:
        packed = path.read_bytes()
        text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise EvaluationError(
            f"The data file {path} does not exist",
            next_step="Check its name, or give another file.",
        ) from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"The data file {path} cannot be read",
            evidence=str(error),
            next_step="It must be text in UTF-8, or such a text packed with gzip.",
        ) from error
    if text.lstrip().startswith("["):
        yield from _json_list(path, text)
        return
    for number, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            values = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise EvaluationError(
                f"Line {number:,} of {path.name} is not JSON",
                evidence=str(error),
                next_step=_FORM,
            ) from error
        yield _line(path, "Line", number, values)


def _json_list(path: Path, text: str) -> Iterable[Line]:
    """The items of a data file that is one JSON list."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(
            f"{path.name} is not JSON", evidence=str(error), next_step=_FORM
        ) from error
    for number, values in enumerate(items, 1):
        yield _line(path, "Item", number, values)


def _line(path: Path, kind: str, number: int, values: Any) -> Line:
    written = json.dumps(values, ensure_ascii=False)
    if not isinstance(values, dict):
        raise EvaluationError(
            f"{kind} {number:,} of {path.name} is not a JSON object",
            evidence=written[:60],
            next_step=_FORM,
        )
    try:
        written.encode()
    except UnicodeEncodeError as error:  # not encodable: neither tokenizers nor files accept it
        raise EvaluationError(
            f"{kind} {number:,} of {path.name} contains half of a surrogate pair",
            evidence=ascii(error.object[error.start]),
            next_step="Write both halves, or remove this one.",
        ) from error
    return Line(path.name, number, values)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the data with its location."""

    file: str
    number: int
    values: Mapping[str, Any]

    def filled(self, template: str) -> str:
        """``template`` with every {field} replaced by its value."""
        return _FIELD.sub(lambda field: str(self._value(field[1])), template)

    def texts(self, template: str) -> tuple[str, ...]:
        """The texts of a field that is a list, or one text from the filled template."""
        field = _FIELD.fullmatch(template)
        value = self._value(field[1]) if field else self.filled(template)
        texts = tuple(map(str, value)) if isinstance(value, list) else (str(value),)
        if not texts or "" in texts:
            raise self._wrong(f"has an empty {template}")
        return texts

    def exported(
        self, fields: Sequence[tuple[str, str]], index: int
    ) -> tuple[tuple[str, Any], ...]:
        """Fill the export templates that do not depend on the answer.

        Args:
            fields: Names and templates. A template that is a single field keeps the field's JSON
                type.
            index: Index of the question from 0, for ``{index}``.
        """
        line = replace(self, values={"index": index, **self.values})
        found = []
        for name, template in fields:
            if not any(f"{{{word}}}" in template for word in _ANSWER_FIELDS):
                field = _FIELD.fullmatch(template)
                value = line._value(field[1]) if field else line.filled(template)
                found.append((name, value))
        return tuple(found)

    def gold(self, template: str, choices: tuple[str, ...]) -> int:
        """Index of the correct choice, given as an index from 0, a letter, or the choice itself."""
        if len(choices) < 2:
            raise self._wrong("has fewer than two choices")
        named = self.filled(template)
        if named in choices:
            return choices.index(named)
        letters = [chr(ord("A") + place) for place in range(len(choices))]
        places = [str(place) for place in range(len(choices))]
        for names in (places, letters):
            if named in names:
                return names.index(named)
        raise self._wrong(f"has no choice “{named}”")

    def _value(self, field: str) -> Any:
        if field not in self.values:
            raise self._wrong(f"has no “{field}”", f"its fields are: {', '.join(self.values)}")
        return self.values[field]

    def _wrong(self, what: str, evidence: str = "") -> EvaluationError:
        return EvaluationError(f"Line {self.number:,} of {self.file} {what}", evidence=evidence)
