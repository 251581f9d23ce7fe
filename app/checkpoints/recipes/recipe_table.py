"""Reading values out of the tables of a recipe; whatever is wrong is known with its place."""

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
    """What is wrong, and at which keys."""

    def __init__(self, error: TuneshiftError, keys: Keys) -> None:
        super().__init__(str(error))
        self.error = error
        self.keys = keys

    def located(self, kind: type[TuneshiftError], name: str, text: str) -> TuneshiftError:
        """The error as one of ``kind``, with its line in ``text``, the file called ``name``."""
        detail = f"; {self.error.evidence}" if self.error.evidence else ""
        return kind(
            self.error.cause,
            evidence=f"in {name}, line {line_of(text, self.keys)}{detail}",
            next_step=self.error.next_step,
        )


class Table:
    """A table of a recipe.

    Args:
        content: What the parser found.
        keys: Where it is.
        name: What to call it.
        known: The settings there are.

    Raises:
        Problem: When it holds a setting that is not known.
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
        """The keys of what is inside."""
        return (*self._keys, *keys)

    def inner(self, key: str, known: Collection[str], default: dict[str, Any] = _REQUIRED) -> Table:
        """The table at ``key``.

        Raises:
            Problem: When it is missing, no table, or holds a setting that is not known.
        """
        return Table(self.get(key, dict, default), self.place(key), f"[{key}]", known)

    @contextmanager
    def blaming(self, key: str) -> Iterator[None]:
        """Say of what is refused inside that ``key`` is at fault.

        Raises:
            Problem: In place of a ``RecipeError`` or ``SettingsError``.
        """
        try:
            yield
        except (RecipeError, SettingsError) as error:
            raise Problem(error, self.place(key)) from error

    def fail(self, key: str, cause: str, next_step: str = "", evidence: str = "") -> NoReturn:
        """Refuse the value of ``key``.

        Raises:
            Problem: Always.
        """
        error = RecipeError(cause, evidence=evidence, next_step=next_step)
        raise Problem(error, self.place(key))

    def get(self, key: str, kind: type[T], default: T = _REQUIRED) -> T:
        """The value of ``key``; a whole number may stand for any number.

        Raises:
            Problem: When it is missing or of another kind.
        """
        value: Any = self._content.get(key, default)
        if value is _REQUIRED:
            self.fail(key, f"“{key}” is missing in {self._name}")
        kinds = (int, float) if kind is float else (kind,)  # a bool is neither
        if type(value) not in kinds:
            self.fail(
                key, f"“{key}” in {self._name} must be {_KINDS[kind]}", evidence=f"it is {value!r}"
            )
        found: T = value
        return found

    def get_list(self, key: str, kind: type[T], default: list[T] = _REQUIRED) -> list[T]:
        """The list at ``key``, whose elements are all of one kind.

        Raises:
            Problem: When it is missing, no list, or holds something else.
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
