"""The tables of an evaluation: scores by role, and shifts by class of token."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.attribution.class_shifts import ClassShifts, ClassTotal
from app.attribution.token_classes import TokenClass
from app.evaluation.results import Result, TaskResults
from app.evaluation.variants import Variant
from app.ui.translation import translate
from app.ui.widgets.figures_model import Cell, Heading
from app.wording import quoted

_MOST_TOKENS = 6


def view_title(view: Variant) -> str:
    """The translated title of a role in an evaluation."""
    kind, _, pair = view.name.partition(":")
    names = {
        "base": translate("Evaluate", "base"),
        "expert": translate("Evaluate", "expert"),
        "antiexpert": translate("Evaluate", "anti-expert"),
        "tuned": translate("Evaluate", "tuned"),
    }
    name = names.get(kind, view.name) if view.kind != "checkpoint" else view.name
    if pair and view.kind == "tuned":
        name = translate("Evaluate", "tuned by “{0}”").format(pair)
    elif pair:
        name = translate("Evaluate", "{0} “{1}”").format(name, pair)
    if view.kind == "tuned" and view.scale != 1.0:
        name = translate("Evaluate", "{0}, α × {1}").format(name, f"{view.scale:g}")
    return name if view.policy.is_constant else f"{name}, {view.policy.text}"


def measure_title(measured: str) -> str:
    """The translated title of a measure; measures of lm-evaluation-harness keep their names."""
    return {
        "exact match": translate("Evaluate", "exact match"),
        "contains": translate("Evaluate", "contains the answer"),
        "accuracy": translate("Evaluate", "accuracy"),
        "bits per byte": translate("Evaluate", "bits per byte"),
        "answered": translate("Evaluate", "answered"),
    }.get(measured, measured)


def score_headings(task: TaskResults) -> list[Heading]:
    """The columns of the score table of a task."""
    better = (
        translate("Evaluate", "higher is better")
        if task.higher_is_better
        else translate("Evaluate", "lower is better")
    )
    headings = [
        Heading(translate("Evaluate", "role"), number=False),
        Heading(measure_title(task.measured), better),
        Heading(translate("Evaluate", "± s.e."), translate("Evaluate", "standard error")),
        Heading(translate("Evaluate", "questions")),
    ]
    about = translate("Evaluate", "(tuned − base) / (direct − base)")
    direct = task.checkpoints
    if len(direct) == 1:
        return [*headings, Heading(translate("Evaluate", "gap closed"), about)]
    named = [translate("Evaluate", "gap to {0}").format(each.variant.name) for each in direct]
    return [*headings, *(Heading(name, about) for name in named)]


def score_rows(task: TaskResults) -> list[list[Cell]]:
    """The rows of the score table, one for each role."""
    return [_score_row(task, result) for result in task.results]


def _coverage_note(exact: float, bounded: float | None) -> str:
    text = translate(
        "Evaluate", "Pairs of another vocabulary know {0} of the base's probability exactly"
    ).format(f"{exact:.1%}")
    if bounded is None:
        return text
    rest = translate("Evaluate", "{0}, of {1} the first piece, of {2} nothing")
    return rest.format(text, f"{bounded:.1%}", f"{max(1 - exact - bounded, 0.0):.1%}")


def _score_row(task: TaskResults, result: Result) -> list[Cell]:
    measure = result.measure
    notes = []
    if result.truncated:
        text = translate("Evaluate", "{0} prompts were truncated at the beginning")
        notes.append(text.format(f"{result.truncated:,}"))
    if result.coverage is not None:
        notes.append(_coverage_note(result.coverage, result.bounded))
    gaps = (task.gap_closed(result, other) for other in task.checkpoints)
    return [
        Cell(view_title(result.variant), "\n".join(notes)),
        Cell(_number(measure.score)),
        Cell("" if measure.stderr is None else _number(measure.stderr)),
        Cell(f"{measure.count:,}"),
        *(Cell("" if gap is None or not math.isfinite(gap) else f"{gap:z.1%}") for gap in gaps),
    ]


def _number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "∞"


def class_title(kind: TokenClass) -> str:
    """The translated title of a class of tokens."""
    return {
        TokenClass.DIGITS: translate("Evaluate", "digits"),
        TokenClass.OPERATORS: translate("Evaluate", "operators"),
        TokenClass.PUNCTUATION: translate("Evaluate", "punctuation"),
        TokenClass.SENTENCE_STARTS: translate("Evaluate", "first words of a sentence"),
        TokenClass.KEYWORDS: translate("Evaluate", "code keywords"),
        TokenClass.OTHER: translate("Evaluate", "other"),
    }[kind]


def shift_headings() -> list[Heading]:
    """The columns of the table of token classes."""
    return [
        Heading(translate("Evaluate", "tokens"), number=False),
        Heading(translate("Evaluate", "count")),
        Heading(
            translate("Evaluate", "mean shift"),
            translate("Evaluate", "mean of p(tuned) − p(base) of the generated tokens"),
        ),
        Heading(
            translate("Evaluate", "most raised"),
            translate(
                "Evaluate",
                "the tokens of the class with the largest mean shift, and how often they occur",
            ),
            number=False,
        ),
    ]


def shift_rows(shifts: ClassShifts) -> list[list[Cell]]:
    """The rows of the table of token classes: each class with tokens, then all tokens."""
    kinds = [(class_title(kind), total) for kind, total in shifts.classes.items() if total.count]
    rows = [*kinds, (translate("Evaluate", "all"), shifts.whole)]
    most = max((abs(total.mean_shift) for _, total in kinds), default=0.0) or 1.0
    return [_shift_row(title, total, most) for title, total in rows]


def _shift_row(title: str, total: ClassTotal, most: float) -> list[Cell]:
    mean = total.mean_shift
    raised = total.raised(_MOST_TOKENS)
    shown = "   ".join(f"{quoted(each.name)} {each.mean_shift:+.2f}" for each in raised)
    about = "\n".join(
        f"{quoted(each.name)}  {each.mean_shift:+.3f}  × {each.count:,}" for each in raised
    )
    bar = None if math.isnan(mean) else max(-1.0, min(1.0, mean / most))
    return [
        Cell(title),
        Cell(f"{total.count:,}"),
        Cell("" if math.isnan(mean) else f"{mean:+.4f}", length=bar, signed=True),
        Cell(shown, about),
    ]


def tuned_titles(found: Sequence[TaskResults]) -> list[tuple[str, str, str]]:
    """Task, key and translated title of every tuned role."""
    return [
        (task.task, result.variant.title, view_title(result.variant))
        for task in found
        for result in task.results
        if result.variant.kind == "tuned"
    ]
