"""Which names are tasks of lm-evaluation-harness; it is asked only where a name is not ours."""

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
_SURELY = 0.85
"""So near to another task, a name is a slip: the list of the harness takes seconds to make."""


_NAMED = re.compile(rb"""^["']?(?:task|group)["']?:[ \t]*["']?([\w.-]+)["']?[ \t]*\r?$""", re.M)


@dataclass(frozen=True, slots=True)
class HarnessTasks:
    """Tasks as the harness knows them, and the harness's index of tasks, which takes seconds."""

    names: tuple[str, ...]
    index: Any


def is_installed() -> bool:
    """Whether lm-evaluation-harness is there."""
    return find_spec("lm_eval") is not None


def harness_tasks(names: Sequence[str], others: Sequence[str] = ()) -> HarnessTasks | None:
    """The tasks of the harness that ``names`` mean, or None where there are no names.

    Args:
        names: Names, ``harness:NAME`` or ``FILE.yaml``.
        others: Names of other tasks, for what is near to a name that means nothing.

    Raises:
        EvaluationError: The harness is not installed, or has no such task.
    """
    if not names:
        return None
    for name in names:
        if difflib.get_close_matches(name, list(others), 1, _SURELY):
            raise unknown_task(name, others)
    if not is_installed():
        raise EvaluationError(
            f"There is no task “{names[0]}” here, and lm-evaluation-harness is not installed",
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
    """The names of the harness's tasks, read from its files, which takes seconds.

    It imports nothing of the harness, whose own index takes longer and brings torch with it. Tasks
    that its files make by code are not among them; they can be asked for all the same.

    Returns:
        The names in order, or None where the harness is not installed.
    """
    found = find_spec("lm_eval")
    if found is None or not found.submodule_search_locations:
        return None
    root = Path(found.submodule_search_locations[0]) / "tasks"
    names = set[str]()
    for path in root.rglob("*.yaml"):
        names.update(match[1].decode() for match in _NAMED.finditer(path.read_bytes()))
    return sorted(names)
