"""Check that QObjects which are not assigned have a parent; others would be deleted at once."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QObject

ROOT = Path(__file__).parents[2]
PARENTS = {"self", "session", "window", "parent", "application"}


def thrown_away(source: str) -> Iterator[ast.Call]:
    """Calls of classes (capitalized names) whose result is not used."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = node.value.func
            if isinstance(name, ast.Name) and name.id[0].isupper():
                yield node.value


CALLS = [
    (".".join(file.relative_to(ROOT).with_suffix("").parts), call)
    for file in sorted(ROOT.glob("app/ui/**/*.py"))
    for call in thrown_away(file.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(
    ("module", "call"), CALLS, ids=[f"{module}:{call.lineno}" for module, call in CALLS]
)
def test_objects_without_a_variable_have_a_parent(module: str, call: ast.Call) -> None:
    assert isinstance(call.func, ast.Name)
    kind = getattr(importlib.import_module(module), call.func.id)
    where = f"{module}:{call.lineno}"
    assert inspect.isclass(kind), where
    assert issubclass(kind, QObject), f"{where}: a plain object is gone at once"
    if not issubclass(kind, QCoreApplication):  # PySide keeps a reference to the application
        names = {each.id for each in call.args if isinstance(each, ast.Name)}
        assert names & PARENTS, f"{where}: it has no parent"


def test_the_check_finds_objects_without_a_parent() -> None:
    assert {call.func.id for _, call in CALLS if isinstance(call.func, ast.Name)} >= {
        "Appearance",
        "RunLog",
    }
