"""What is to be evaluated, as a person says it, and what that means. Imports no torch by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.checkpoints.spec import Recipe
from app.decoding.types import MAX_ALPHA
from app.errors import EvaluationError, SettingsError
from app.evaluation.harness_tasks import HarnessTasks, harness_tasks
from app.evaluation.task_files import builtin_tasks, read_task, task_file, task_name, unknown_task
from app.evaluation.tasks import Metric, Task
from app.evaluation.variants import View, views_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person asks for.

    Attributes:
        tasks: Names of tasks, of the harness too, or files.
        roles: As :func:`~app.evaluation.variants.views_of` takes them.
        scales: What every alpha is multiplied with; tuned is measured once for each.
        data: Data files as ``TASK=FILE``, or ``FILE`` for a task that names none.
        limit: The first so many questions of each task; None is all of them.
        batch_size: How many texts are read side by side; None is as many as fit.
        allow_code: Whether programs that models write may be run.
    """

    tasks: tuple[str, ...]
    roles: tuple[str, ...]
    scales: tuple[float, ...] = (1.0,)
    data: tuple[str, ...] = ()
    limit: int | None = None
    batch_size: int | None = None
    allow_code: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan whose tasks have been read.

    Attributes:
        tasks: The local ones.
        harness: Those of lm-evaluation-harness, if there are any.
        views: Who is asked.
    """

    tasks: tuple[Task, ...]
    harness: HarnessTasks | None
    views: tuple[View, ...]

    @property
    def answers(self) -> int:
        """How many answers the local tasks ask for."""
        return len(self.views) * sum(len(task.questions) for task in self.tasks)


def prepare(plan: Plan, recipe: Recipe, alone: Callable[[str], Recipe]) -> Prepared:
    """Read the tasks of a plan. Asks the harness, which takes seconds, where a name is not ours.

    Args:
        plan: What is asked for.
        recipe: What the names of roles mean.
        alone: Makes a recipe of one model and itself.

    Raises:
        TuneshiftError: For everything that can be wrong with the plan.
    """
    if plan.limit is not None and plan.limit < 1:
        raise SettingsError("The limit must be at least 1", evidence=f"it is {plan.limit}")
    views = views_of(recipe, plan.roles, plan.scales, alone)
    local, harness = _tasks(plan.tasks, plan.data)
    require_permission(local, plan.allow_code)
    return Prepared(tuple(task.first(plan.limit) for task in local), harness, tuple(views))


def require_permission(tasks: Sequence[Task], allowed: bool) -> None:
    """The one place that decides whether programs that models write are run.

    Raises:
        EvaluationError: One of the tasks runs them, and nobody has allowed that.
    """
    running = next((task.name for task in tasks if runs_code(task)), None)
    if running is not None and not allowed:
        raise EvaluationError(
            f"The task {running} runs the programs that models write",
            next_step="To allow it, best inside a container: --allow-code-execution",
        )


def runs_code(task: Task) -> bool:
    """Whether a task runs what models write."""
    return task.metric is Metric.CODE


def scales_of(text: str) -> tuple[float, ...]:
    """The numbers in ``text``, with commas between them.

    Raises:
        SettingsError: Something in it is no number, or out of range.
    """
    try:
        scales = [float(part) for part in text.split(",")]
    except ValueError:
        scales = [math.nan]
    if not all(abs(scale) <= MAX_ALPHA for scale in scales):  # NaN is not
        raise SettingsError(
            "The α scales must be numbers with commas between them", evidence=f"it is “{text}”"
        )
    return tuple(dict.fromkeys(scales))


def _tasks(names: Sequence[str], data: Sequence[str]) -> tuple[list[Task], HarnessTasks | None]:
    """The local tasks, read, and those of the harness."""
    files = dict(_data_file(argument) for argument in data)
    paths = {name: path for name in names if (path := task_file(name))}
    stems = [task_name(path) for path in paths.values()]
    unused = files.keys() - set(stems) - {""}
    if unused:
        raise unknown_task(min(unused), stems)
    harness = harness_tasks([name for name in names if name not in paths], builtin_tasks())
    local = [
        read_task(path, files.get(stem, files.get("")))
        for stem, path in zip(stems, paths.values(), strict=True)
    ]
    titles = [task.name for task in local]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise EvaluationError(f"Two tasks are called “{twice}”")
    return local, harness


def _data_file(argument: str) -> tuple[str, Path]:
    """``NAME=FILE`` for one task, or ``FILE`` for any that names none."""
    name, separator, file = argument.partition("=")
    return (name, Path(file).expanduser()) if separator else ("", Path(argument).expanduser())
