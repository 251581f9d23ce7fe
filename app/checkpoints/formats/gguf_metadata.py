"""The metadata of a GGUF file, every size checked when read, with a record of the keys used."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

ANOTHER_FILE = "Choose another file of this model, or its folder with .safetensors files."

_MAX_ENTRIES = 2_000_000  # keys, tensors and array strings; vocabularies have under a million
_MAX_NAME_BYTES = 65_535
_MAX_STRING_BYTES = 1 << 26  # a value may be a whole tokenizer.json
_MAX_SHORT_ARRAY = 4096  # arrays up to this length are always read, such as one value per layer
_NUMBERS = {
    **{0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f"},
    **{7: "?", 10: "Q", 11: "q", 12: "d"},
}
_STRING, _ARRAY = 8, 9
_MAX_INT = 2**31  # no size in a model is larger
_LENGTH = struct.Struct("<Q")
_BUFFER_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Unread:
    """An array that was skipped: its number of elements, and its place and size in the file."""

    count: int
    start: int = 0
    size: int = 0


Value = str | int | float | bool | list[str] | list[int] | list[float] | Unread


class UnusableError(Exception):
    """A file is intact but not supported."""

    def __init__(self, evidence: str, next_step: str = ANOTHER_FILE) -> None:
        super().__init__(evidence)
        self.next_step = next_step


class Cursor:
    """Reads a header sequentially, within the size of the file and a maximum number of entries."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self._buffer = b""
        self._offset = 0  # in the buffer
        self._end = 0  # of the buffer, in the file
        self._entries_left = _MAX_ENTRIES

    @property
    def position(self) -> int:
        """The place in the file of the byte that is read next."""
        return self._end - len(self._buffer) + self._offset

    def take(self, length: int) -> bytes:
        self._require(length)
        taken = self._buffer[self._offset : self._offset + length]
        self._offset += length
        return taken

    def skip(self, length: int) -> None:
        self._check_end(length)
        self._offset += length

    def number(self, form: str) -> int:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(value)

    def name(self) -> str:
        length = self.number("<Q")
        if length > _MAX_NAME_BYTES:
            raise ValueError(f"a name in its header has {length:,} bytes")
        return self.take(length).decode("utf-8")

    def text(self) -> str:
        length = self.number("<Q")
        if length > _MAX_STRING_BYTES:
            raise ValueError(f"a string in its header has {length:,} bytes")
        return self.take(length).decode("utf-8")

    def texts(self, count: int) -> list[str]:
        """The next ``count`` strings, of which a large vocabulary has hundreds of thousands."""
        found: list[str] = []
        length_at, width = _LENGTH.unpack_from, _LENGTH.size
        while len(found) < count:
            found.append(self.text())
            buffer, offset = self._buffer, self._offset
            while len(found) < count and offset + width <= len(buffer):
                end = offset + width + length_at(buffer, offset)[0]
                if end > len(buffer):
                    break
                found.append(buffer[offset + width : end].decode("utf-8"))
                offset = end
            self._offset = offset
        return found

    def skip_texts(self, count: int) -> None:
        """Skip the next ``count`` strings."""
        length_at = _LENGTH.unpack_from
        while count:
            self._require(_LENGTH.size)
            buffer, offset = self._buffer, self._offset
            last = len(buffer) - _LENGTH.size
            while count and offset <= last:
                offset += _LENGTH.size + length_at(buffer, offset)[0]
                count -= 1
            self._offset = offset
            self._check_end(0)

    def count_entries(self, count: int) -> None:
        self._entries_left -= count
        if self._entries_left < 0:
            raise ValueError(f"its header has more than {_MAX_ENTRIES:,} entries")

    def _require(self, length: int) -> None:
        """Have the next ``length`` bytes in the buffer."""
        self._check_end(length)
        start = self.position
        if self._offset + length <= len(self._buffer):
            return
        self._file.seek(start)
        self._buffer = self._file.read(max(length, min(_BUFFER_BYTES, self.size - start)))
        self._offset, self._end = 0, start + len(self._buffer)
        if length > len(self._buffer):
            raise ValueError("its header is cut off")

    def _check_end(self, length: int) -> None:
        if length > self.size - self.position:
            raise ValueError("its header is cut off")


def read_values(cursor: Cursor, count: int, everything: bool) -> dict[str, Value]:
    """The metadata. Without ``everything``, arrays of strings and long arrays are skipped."""
    values: dict[str, Value] = {}
    for _ in range(count):
        key = cursor.name()
        if key in values:
            raise ValueError(f"the key “{key[:80]}” occurs twice")
        kind = cursor.number("<I")
        if kind in _NUMBERS:
            (values[key],) = _numbers(cursor, kind, 1)
        elif kind == _STRING:
            values[key] = cursor.text()
        elif kind == _ARRAY:
            values[key] = _array(cursor, everything)
        else:
            raise ValueError(f"“{key[:80]}” has the unknown type {kind}")
    return values


def _numbers(cursor: Cursor, kind: int, count: int) -> list[int]:
    width = struct.calcsize(_NUMBERS[kind])
    return list(struct.unpack(f"<{count}{_NUMBERS[kind]}", cursor.take(count * width)))


def _array(cursor: Cursor, everything: bool) -> Value:
    kind, count = cursor.number("<I"), cursor.number("<Q")
    start = cursor.position
    if kind in _NUMBERS:
        if everything or count <= _MAX_SHORT_ARRAY:
            return _numbers(cursor, kind, count)
        cursor.skip(count * struct.calcsize(_NUMBERS[kind]))
    elif kind == _STRING:
        cursor.count_entries(count)
        if everything:
            return cursor.texts(count)
        cursor.skip_texts(count)
    else:
        raise ValueError(f"an array has the unknown element type {kind}")
    return Unread(count, start, cursor.position - start)


@dataclass(slots=True)
class Metadata:
    """The values of a file by key, with a record of the keys used; see :meth:`unused`."""

    values: dict[str, Value]
    _used: set[str] = field(default_factory=set)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def unused(self) -> list[str]:
        """The keys that have not been read, in the order of the file."""
        return [key for key in self.values if key not in self._used]

    def use(self, key: str) -> Value | None:
        """The value of any type, or None; marks the key as used."""
        self._used.add(key)
        return self.values.get(key)

    def count(self, key: str) -> int:
        """The number of elements of an array, 0 if the key has no array."""
        value = self.values.get(key)
        return (
            value.count
            if isinstance(value, Unread)
            else len(value)
            if isinstance(value, list)
            else 0
        )

    def text(self, key: str, default: str | None = None) -> str:
        value = self._known(key, default)
        if not isinstance(value, str):
            raise _wrong(key, value, "a text")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._known(key, default)
        if not isinstance(value, bool):
            raise _wrong(key, value, "yes or no")
        return value

    def whole(self, key: str, default: int | None = None, least: int = 1) -> int:
        """An integer of at least ``least``. A list of equal integers stands for one of them."""
        value = _single(key, self._known(key, default))
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < _MAX_INT:
            raise _wrong(key, value, f"a whole number of at least {least}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = _single(key, self._known(key, default))
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            raise _wrong(key, value, "a number")
        return float(value)

    def texts(self, key: str) -> list[str]:
        items = self._list(key, "texts")
        return [self._item(key, item, str, "texts") for item in items]

    def wholes(self, key: str) -> list[int]:
        items = self._list(key, "whole numbers")
        return [self._item(key, item, int, "whole numbers") for item in items]

    def numbers(self, key: str) -> list[float]:
        items = self._list(key, "numbers")
        return [float(self._item(key, item, (int, float), "numbers")) for item in items]

    def _list(self, key: str, kind: str) -> list[Any]:
        value = self._known(key, None)
        if not isinstance(value, list):
            raise _wrong(key, value, f"a list of {kind}")
        return value

    def _item(self, key: str, item: Any, kind: type | tuple[type, ...], name: str) -> Any:
        if not isinstance(item, kind):
            raise _wrong(key, item, f"a list of {name}")
        return item

    def _known(self, key: str, default: Value | None) -> Value:
        value = self.use(key)
        if value is None and default is None:
            raise UnusableError(f"it lacks the key “{key}”")
        known = default if value is None else value
        assert known is not None
        return known


def shown(value: object) -> str:
    """A value for an error message, shortened if it is long."""
    if isinstance(value, Unread):
        return f"an array of {value.count:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)[:60]


def _single(key: str, value: Value) -> Value:
    if not isinstance(value, list) or not value:
        return value
    if any(item != value[0] for item in value):
        raise UnusableError(f"its key “{key}” differs between layers")
    return value[0]


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _wrong(key: str, value: Value, expected: str) -> UnusableError:
    return UnusableError(f"its key “{key}” holds {shown(value)} where {expected} belongs")
