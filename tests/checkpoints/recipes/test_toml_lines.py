"""Where a key stands in a TOML text."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.recipes.toml_lines import Keys, line_of
from app.checkpoints.spec import Recipe
from tests.checkpoints.recipes.test_recipe_file import recipes

TEXT = '''\
# a comment, and [not.a.header]
name = "x"
description = """
[base]
dtype = 1
"""
list = [
  1,
  { a = 2 },
]

[base] # a header
source = "s"
"quoted key" = 1
[[pair]]
name = "A"
expert = { source = "e", deep = { er = 1 } }
[pair.antiexpert]
source = "a"
[[pair]]
name = "B"
  [[pair.inner]]
  x = 1
  [[pair.inner]]
  x = 2
[sampling]
a.b = 1
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ((), 1),
        (("missing",), 1),
        (("name",), 2),
        (("description",), 3),
        (("list", 1, "a"), 7),
        (("base",), 12),
        (("base", "dtype"), 12),
        (("base", "source"), 13),
        (("base", "quoted key"), 14),
        (("pair",), 15),
        (("pair", 0), 15),
        (("pair", 0, "alpha"), 15),
        (("pair", 0, "expert", "deep", "er"), 17),
        (("pair", 0, "antiexpert"), 18),
        (("pair", 0, "antiexpert", "source"), 19),
        (("pair", 1), 20),
        (("pair", 1, "name"), 21),
        (("pair", 1, "inner", 0, "x"), 23),
        (("pair", 1, "inner", 1, "x"), 25),
        (("sampling", "a", "b"), 27),
    ],
)
def test_the_line_of_a_key(keys: Keys, line: int) -> None:
    assert line_of(TEXT, keys) == line


def test_a_very_long_statement_is_given_up() -> None:
    text = 'a = 1\nb = """' + "\n" * 2000 + '"""\nc = 1\n'
    assert line_of(text, ("a",)) == 1
    assert line_of(text, ("c",)) == 1


def _all_keys(value: Any, keys: Keys = ()) -> list[Keys]:
    if not isinstance(value, dict | list):
        return [keys]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [keys, *(inner for key, item in items for inner in _all_keys(item, (*keys, key)))]


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None  # cut within a value


def _holds(value: Any, keys: Keys) -> bool:
    try:
        for key in keys:
            value = value[key]
    except (LookupError, TypeError):
        return False
    return True


@pytest.mark.slow
@settings(max_examples=10)
@given(recipe=recipes)
def test_a_key_is_not_in_the_text_before_its_line(recipe: Recipe, tmp_path: Path) -> None:
    """The text until a line holds what is set there or is cut within it; before, it is not set."""
    path = tmp_path / "recipe.toml"
    write_recipe(recipe, path)
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    until = [_parsed("\n".join(lines[:count])) for count in range(len(lines) + 1)]
    for keys in _all_keys(until[-1])[1:]:
        line = line_of(text, keys)
        assert not _holds(until[line - 1], keys)
        held = next(count for count in range(line, len(until)) if _holds(until[count], keys))
        assert not any(until[line:held])
