"""Conversion between an evaluation and its summary in the history. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from app.checkpoints.spec import Recipe
from app.decoding.alpha_policy import CONSTANT, parse_policy
from app.evaluation.metrics import Measure
from app.evaluation.plan import Plan
from app.evaluation.policy_verdict import policy_verdict_of
from app.evaluation.results import Result, TaskResults, as_json
from app.evaluation.task_files import builtin_tasks
from app.evaluation.variants import Variant
from app.history.evaluation_summaries import EvaluationSummary
from app.history.provenance import recipe_to_store


def summary_of(
    evaluation_id: str,
    plan: Plan,
    recipe: Recipe,
    folder: Path,
    found: Sequence[TaskResults],
    complete: bool,
) -> EvaluationSummary:
    """The summary of an evaluation for the history."""
    return EvaluationSummary(
        id=evaluation_id,
        folder=str(folder.resolve()),
        recipe_name=recipe.name,
        recipe=recipe_to_store(recipe),
        plan=json.dumps(asdict(_portable(plan)), ensure_ascii=False),
        results=json.dumps(as_json(found), ensure_ascii=False, allow_nan=False),
        complete=complete,
    )


def _portable(plan: Plan) -> Plan:
    """A plan with absolute paths, independent of the working directory."""
    builtin = builtin_tasks()
    tasks = (name if name in builtin else _absolute(name) for name in plan.tasks)
    return replace(plan, tasks=tuple(tasks), data=tuple(map(_portable_data, plan.data)))


def _portable_data(entry: str) -> str:
    name, equals, file = entry.partition("=")
    return f"{name}={_absolute(file)}" if equals else _absolute(entry)


def _absolute(name: str) -> str:
    path = Path(name).expanduser()
    return str(path.resolve()) if path.exists() else name


def plan_of(summary: EvaluationSummary) -> Plan:
    """The plan of a stored evaluation. Permission to run code is not stored.

    Raises:
        ValueError: The stored plan is invalid.
    """
    given: dict[str, Any] = json.loads(summary.plan)
    return Plan(
        tasks=tuple(given["tasks"]),
        roles=tuple(given["roles"]),
        scales=tuple(given["scales"]),
        policies=tuple(given.get("policies", ())),
        data=tuple(given["data"]),
        limit=given["limit"],
        batch_size=given["batch_size"],
    )


def results_of(summary: EvaluationSummary, recipe: Recipe) -> list[TaskResults]:
    """The scores of a stored evaluation, without shifts by class of token.

    Raises:
        ValueError: The stored results are invalid.
    """
    return [
        TaskResults(
            task["task"],
            task["measure"],
            task["higher_is_better"],
            tuple(_result(values, recipe) for values in task["results"]),
            policy_verdict_of(task.get("alpha_policies")),
        )
        for task in json.loads(summary.results)
    ]


def _result(values: dict[str, Any], recipe: Recipe) -> Result:
    variant = Variant(
        values["role"],
        recipe,
        values["kind"],
        None,
        tuple(values["alphas"] or ()),
        1.0 if values["alpha_scale"] is None else values["alpha_scale"],
        parse_policy(values.get("alpha_policy") or CONSTANT.text),
    )
    score = float("inf") if values["score"] is None else values["score"]
    measure = Measure(score, values["stderr"], values["questions"])
    return Result(
        variant,
        measure,
        values["prompts_cut"],
        coverage=values.get("coverage"),
        bounded=values.get("bounded"),
    )
