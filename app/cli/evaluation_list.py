"""The evaluations of the history, as ``tuneshift inspect --list`` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.errors import TuneshiftError
from app.evaluation.history_summary import plan_of, results_of
from app.evaluation.results import TaskResults
from app.history.evaluation_summaries import EvaluationSummary
from app.history.provenance import recipe_from_store
from app.history.run_search import matches


def evaluations_as_text(summaries: Iterable[EvaluationSummary], words: str) -> str:
    """The evaluations that contain all words: a line for each, and one for each of its scores."""
    lines = []
    for summary in summaries:
        found = list(_lines(summary))
        if matches("\n".join(found), words):
            lines += found
    return "".join(f"{line}\n" for line in lines)


def _lines(summary: EvaluationSummary) -> Iterator[str]:
    created = f"{summary.created.astimezone():%Y-%m-%d %H:%M}"
    state = "" if summary.complete else ", stopped"
    yield f"{created}  {summary.recipe_name}{state}: {summary.folder}"
    try:
        results = results_of(summary, recipe_from_store(summary.recipe))
        tasks = plan_of(summary).tasks
    except (TuneshiftError, ValueError, KeyError, TypeError):  # of another version, or damaged
        yield "    its scores cannot be read"
        return
    yield from map(_scores, results) if results else [f"    {', '.join(tasks)}: no answers yet"]


def _scores(task: TaskResults) -> str:
    scores = (f"{result.variant.title} {result.measure.score:.4f}" for result in task.results)
    return f"    {task.task}, {task.measured}: {', '.join(scores)}"
