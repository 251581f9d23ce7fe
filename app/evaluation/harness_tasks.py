"""Which names are tasks of lm-evaluation-harness; it is asked only where a name is not ours."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from app.errors import EvaluationError
from app.evaluation.tasks import unknown_task

PREFIX = "harness:"
EXTRA = "pip install 'tuneshift[eval]'"
_SURELY = 0.85
"""So near to another task, a name is a slip: the list of the harness takes seconds to make."""


def harness_tasks(names: Sequence[str], others: Sequence[str] = ()) -> list[str]:
    """``names`` as the harness knows them: names of its tasks, or files of its kind.

    Args:
        names: Names, ``harness:NAME`` or ``FILE.yaml``.
        others: Names of other tasks, for what is near to a name that means nothing.

    Raises:
        EvaluationError: The harness is not installed, or has no such task.
    """
    if not names:
        return []
    for name in names:
        if difflib.get_close_matches(name, list(others), 1, _SURELY):
            raise unknown_task(name, others)
    if find_spec("lm_eval") is None:
        raise EvaluationError(
            f"There is no task “{names[0]}” here, and lm-evaluation-harness is not installed",
            next_step=f"For its tasks: {EXTRA}",
        )
    from lm_eval.tasks import TaskManager

    known = TaskManager().all_tasks
    found = []
    for given in names:
        name = given.removeprefix(PREFIX)
        if name.endswith((".yaml", ".yml")):
            if not Path(name).is_file():
                raise EvaluationError(f"There is no task file {name}")
        elif name not in known:
            raise unknown_task(name, [*others, *known])
        found.append(name)
    return found
