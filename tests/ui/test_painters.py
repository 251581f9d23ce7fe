"""Painters are ended by the functions that begin them.

Whatever still holds the frame of a paint event keeps its painter alive: an exception, a debugger,
or the watchdog of these tests. Qt then flushes the window while it is painted, and may crash.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

UI = Path(__file__).parents[2] / "app" / "ui"

pytestmark = [pytest.mark.unit, pytest.mark.slow]


def begun_and_ended(function: ast.FunctionDef) -> tuple[int, int]:
    """How many painters the variables of a function begin, and how many it ends."""
    begun = ended = 0
    for node in ast.walk(function):
        match node:
            case ast.Assign(value=ast.Call(func=ast.Name(id="QPainter"))):
                begun += 1
            case ast.Call(func=ast.Attribute(value=ast.Name(id="painter"), attr="end")):
                ended += 1
    return begun, ended


def test_every_painter_is_ended() -> None:
    counts = [
        (f"{path.name}:{function.lineno}", *begun_and_ended(function))
        for path in UI.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
    ]
    assert sum(begun for _, begun, _ in counts) > 10
    assert [place for place, begun, ended in counts if begun != ended] == []
