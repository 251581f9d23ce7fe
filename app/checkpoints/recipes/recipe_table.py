"""Typed access to the tables of a recipe file, with the location of every error."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from app.checkpoints.recipes.toml_lines import Keys, line_of
from app.errors import RecipeError, SettingsError, TuneshiftError

T = TypeVar("T")
_REQUIRED: Any = object()


class Problem(Exception):  # noqa: N818 — becomes an error when its line is known
    """An error in a recipe file, with the keys that lead to it."""

    def __init__(self, error: TuneshiftError, keys: Keys) -> None:
        super().__init__(str(error))
        self.error = error
        self.keys = keys

    def located(self, kind: type[TuneshiftError], name: str, text: str) -> TuneshiftError:
        """The error as an instance of ``kind`` that names the file and the line.

        Args:
            kind: The class of the error.
            name: The name of the file.
            text: The content of the file, in which the line is looked up.
        """
        detail = f"; {self.error.evidence}" if self.error.evidence else ""
        return kind(
            self.error.cause,
            evidence=f"in {name}, line {line_of(text, self.keys)}{detail}",
            next_step=self.error.next_step,
        )


class Table:
    """A table of a recipe file.

    Args:
        content: The parsed table.
        keys: The keys that lead to the table.
        name: The name of the table in error messages.
        known: The allowed keys.

    Raises:
        Problem: The table has an unknown key.
    """

    def __init__(
        self, content: Mapping[str, Any], keys: Keys, name: str, known: Collection[str]
    ) -> None:
        self._content = content
        self._keys = keys
        self._name = name
        for key in content:
            if key not in known:
                self.fail(key, f"There is no setting “{key}” in {name}", _advice(key, known))

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def place(self, *keys: str | int) -> Keys:
        """The keys that lead to an entry of this table."""
        return (*self._keys, *keys)

    def inner(self, key: str, known: Collection[str], default: dict[str, Any] = _REQUIRED) -> Table:
        """The table at ``key``.

        Raises:
            Problem: It is missing, is not a table, or has an unknown key.
        """
        return Table(self.get(key, dict, default), self.place(key), f"[{key}]", known)

    @contextmanager
    def blaming(self, key: str) -> Iterator[None]:
        """Context manager that attributes errors raised in its body to ``key``.

        Raises:
            Problem: The body raised a ``RecipeError`` or a ``SettingsError``.
        """
        try:
            yield
        except (RecipeError, SettingsError) as error:
            raise Problem(error, self.place(key)) from error

    def fail(self, key: str, cause: str, next_step: str = "", evidence: str = "") -> NoReturn:
        """Reject the value of ``key``.

        Raises:
            Problem: Always.
        """
        error = RecipeError(cause, evidence=evidence, next_step=next_step)
        raise Problem(error, self.place(key))

    def get(self, key: str, kind: type[T], default: T = _REQUIRED) -> T:
        """The value of ``key``; an integer is accepted for a float.

        Raises:
            Problem: The value is missing or of another type.
        """
        value: Any = self._content.get(key, default)
        if value is _REQUIRED:
            self.fail(key, f"“{key}” is missing in {self._name}")
        kinds = (int, float) if kind is float else (kind,)  # type(), since a bool is an int
        if type(value) not in kinds:
            self.fail(
                key, f"“{key}” in {self._name} must be {_KINDS[kind]}", evidence=f"it is {value!r}"
            )
        found: T = value
        return found

    def get_number_or_text(self, key: str) -> int | str:
        """The value of ``key``, a whole number or a text.

        Raises:
            Problem: The value is of another type.
        """
        value: Any = self._content[key]
        if type(value) is int:
            return value
        return self.get(key, str)

    def get_list(self, key: str, kind: type[T], default: list[T] = _REQUIRED) -> list[T]:
        """The list at ``key``, whose elements are all of type ``kind``.

        Raises:
            Problem: The value is missing, is not a list, or has an element of another type.
        """
        values = self.get(key, list, default)
        for place, value in enumerate(values):
            if type(value) is not kind:
                error = RecipeError(
                    f"Every element of “{key}” in {self._name} must be {_KINDS[kind]}",
                    evidence=f"one is {value!r}",
                )
                raise Problem(error, self.place(key, place))
        return values


_KINDS = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def _advice(key: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    guess = f"Did you mean “{near[0]}”? " if near else ""
    return f"{guess}The settings there are: {', '.join(sorted(known))}."
