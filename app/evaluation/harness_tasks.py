"""Looking up task names in lm-evaluation-harness, for names that are not local tasks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.errors import EvaluationError
from app.evaluation.task_files import unknown_task
from app.extras import install_hint

PREFIX = "harness:"
_TYPO_SIMILARITY = 0.85
"""Names this similar to a local task are typos: listing the harness's tasks takes seconds."""


_NAMED = re.compile(rb"""^["']?(?:task|group)["']?:[ \t]*["']?([\w.-]+)["']?[ \t]*\r?$""", re.M)


@dataclass(frozen=True, slots=True)
class HarnessTasks:
    """Names of harness tasks, with the harness's task index."""

    names: tuple[str, ...]
    index: Any


def is_installed() -> bool:
    """Whether lm-evaluation-harness is installed."""
    return find_spec("lm_eval") is not None


def harness_tasks(names: Sequence[str], others: Sequence[str] = ()) -> HarnessTasks | None:
    """Look up ``names`` in the harness; None if there are no names.

    Args:
        names: Task names, ``harness:NAME`` or ``FILE.yaml``.
        others: Names of local tasks, for suggestions.

    Raises:
        EvaluationError: The harness is not installed, or has no such task.
    """
    if not names:
        return None
    for name in names:
        if difflib.get_close_matches(name, list(others), 1, _TYPO_SIMILARITY):
            raise unknown_task(name, others)
    if not is_installed():
        raise EvaluationError(
            f"There is no local task “{names[0]}”, and lm-evaluation-harness is not installed",
            next_step=install_hint("eval"),
        )
    from lm_eval.tasks import TaskManager

    files = [name.endswith((".yaml", ".yml")) for name in names]
    index = TaskManager(include_defaults=not all(files))
    found = []
    for given, is_file in zip(names, files, strict=True):
        name = given.removeprefix(PREFIX)
        if is_file and not Path(name).is_file():
            raise EvaluationError(f"There is no task file {name}")
        if not is_file and name not in index.all_tasks:
            raise unknown_task(name, [*others, *index.all_tasks])
        found.append(name)
    return HarnessTasks(tuple(found), index)


def harness_names() -> list[str] | None:
    """The names of the harness's tasks, read from its YAML files, which takes seconds.

    Does not import the harness, whose own index is slower and imports torch. Tasks that the files
    create by code are missing from the list, but can be used.

    Returns:
        The sorted names, or None if the harness is not installed.
    """
    found = find_spec("lm_eval")
    if found is None or not found.submodule_search_locations:
        return None
    root = Path(found.submodule_search_locations[0]) / "tasks"
    names = set[str]()
    for path in root.rglob("*.yaml"):
        names.update(match[1].decode() for match in _NAMED.finditer(path.read_bytes()))
    return sorted(names)
