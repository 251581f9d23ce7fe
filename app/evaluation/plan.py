"""The plan of an evaluation, and its preparation: reading tasks, resolving variants.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.checkpoints.spec import Recipe
from app.decoding.alpha_policy import CONSTANT, parse_policy
from app.decoding.types import MAX_ALPHA
from app.errors import EvaluationError, SettingsError
from app.evaluation.harness_tasks import HarnessTasks, harness_tasks
from app.evaluation.task_files import builtin_tasks, read_task, task_file, task_name, unknown_task
from app.evaluation.tasks import Metric, Task
from app.evaluation.variants import Variant, variants_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user asks to evaluate.

    Attributes:
        tasks: Names of tasks, including those of the harness, or task files.
        roles: Role and checkpoint names; see :func:`~app.evaluation.variants.variants_of`.
        scales: Factors for all alphas; tuned variants are evaluated once for each.
        data: Data files as ``TASK=FILE``, or ``FILE`` for tasks without a data file.
        limit: Maximum number of questions of each task; None for all.
        batch_size: Number of sequences in a batch; None for as many as fit into memory.
        allow_code: Whether model-written programs may be run.
        policies: Policies of alpha besides the constant one and that of the recipe; tuned variants
            are evaluated once for each scale with each.
    """

    tasks: tuple[str, ...]
    roles: tuple[str, ...]
    scales: tuple[float, ...] = (1.0,)
    data: tuple[str, ...] = ()
    limit: int | None = None
    batch_size: int | None = None
    allow_code: bool = False
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with loaded tasks and resolved variants.

    Attributes:
        tasks: The local tasks.
        harness: The tasks of lm-evaluation-harness, or None.
        variants: The variants to evaluate.
    """

    tasks: tuple[Task, ...]
    harness: HarnessTasks | None
    variants: tuple[Variant, ...]

    @property
    def answers(self) -> int:
        """The number of answers of all local tasks."""
        return len(self.variants) * sum(len(task.questions) for task in self.tasks)


def prepare(plan: Plan, recipe: Recipe, single_model: Callable[[str], Recipe]) -> Prepared:
    """Read the tasks and resolve the variants of a plan. Looking up harness tasks takes seconds.

    Args:
        plan: The plan.
        recipe: The evaluated recipe.
        single_model: Creates a recipe in which one model has all roles.

    Raises:
        TuneshiftError: The plan is invalid.
    """
    if plan.limit is not None and plan.limit < 1:
        raise SettingsError("The limit must be at least 1", evidence=f"it is {plan.limit}")
    chosen = map(parse_policy, (recipe.sampling.alpha_policy, *plan.policies))
    policies = dict.fromkeys((CONSTANT, *chosen))
    variants = variants_of(recipe, plan.roles, plan.scales, single_model, tuple(policies))
    local, harness = _tasks(plan.tasks, plan.data)
    require_code_permission(local, plan.allow_code)
    if recipe.base.tuned:
        _require_on_server(local, variants)
    return Prepared(tuple(task.first(plan.limit) for task in local), harness, tuple(variants))


def _require_on_server(tasks: Sequence[Task], variants: Sequence[Variant]) -> None:
    """Check that a server that tunes can do all of it; checkpoints are loaded here.

    Raises:
        EvaluationError: It cannot.
    """
    scoring = next((task.name for task in tasks if not task.generates), None)
    if scoring is not None:
        raise EvaluationError(
            f"The task {scoring} scores given texts, which a server that tunes cannot",
            next_step="Choose tasks that generate, or name a base on this machine.",
        )
    for variant in variants:
        if variant.kind in ("expert", "antiexpert"):
            raise EvaluationError(
                f"The {variant.name} alone cannot be had from a server that tunes",
                next_step="Choose among base and tuned, or name it as a checkpoint, NAME=MODEL.",
            )
        if not variant.policy.is_constant:
            raise EvaluationError(
                "A policy of α cannot be had from a server that tunes",
                evidence=variant.policy.text,
                next_step="Leave it out: a request has one α of each pair.",
            )


def require_code_permission(tasks: Sequence[Task], allowed: bool) -> None:
    """Check the permission to run model-written programs. No other code decides this.

    Raises:
        EvaluationError: A task runs programs, and ``allowed`` is False.
    """
    running = next((task.name for task in tasks if runs_code(task)), None)
    if running is not None and not allowed:
        raise EvaluationError(
            f"The task {running} runs model-written programs",
            next_step="Allow it with --allow-code-execution, preferably inside a container.",
        )


def runs_code(task: Task) -> bool:
    """Whether a task runs model-written programs."""
    return task.metric is Metric.CODE


def parse_scales(text: str) -> tuple[float, ...]:
    """Parse comma-separated α scales.

    Raises:
        SettingsError: A value is not a number or out of range.
    """
    try:
        scales = [float(part) for part in text.split(",")]
    except ValueError:
        scales = [math.nan]
    if not all(abs(scale) <= MAX_ALPHA for scale in scales):  # False for NaN
        raise SettingsError(
            "The α scales must be comma-separated numbers", evidence=f"it is “{text}”"
        )
    return tuple(dict.fromkeys(scales))


def parse_policies(text: str) -> tuple[str, ...]:
    """Parse comma-separated policies of alpha; none for an empty text.

    Raises:
        SettingsError: A part is not a policy.
    """
    parts = filter(None, map(str.strip, text.split(",")))
    return tuple(dict.fromkeys(parse_policy(part).text for part in parts))


def _tasks(names: Sequence[str], data: Sequence[str]) -> tuple[list[Task], HarnessTasks | None]:
    """The local tasks, with their questions, and the harness's tasks."""
    files = dict(_data_file(argument) for argument in data)
    paths = {name: path for name in names if (path := task_file(name))}
    stems = [task_name(path) for path in paths.values()]
    unused = files.keys() - set(stems) - {""}
    if unused:
        raise unknown_task(min(unused), stems)
    harness = harness_tasks([name for name in names if name not in paths], builtin_tasks())
    if "" in files and files.keys() >= set(stems):
        raise EvaluationError(
            "No task uses the data file",
            evidence=str(files[""]),
            next_step="Give one to a local task, as TASK=FILE or FILE.",
        )
    local = [
        read_task(path, files.get(stem, files.get("")))
        for stem, path in zip(stems, paths.values(), strict=True)
    ]
    titles = [task.name for task in local]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise EvaluationError(f"Two tasks have the name “{twice}”")
    return local, harness


def _data_file(argument: str) -> tuple[str, Path]:
    """Parse ``NAME=FILE``, or ``FILE`` for tasks without a data file."""
    name, separator, file = argument.partition("=")
    return (name, Path(file).expanduser()) if separator else ("", Path(argument).expanduser())
