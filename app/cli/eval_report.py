"""The tables that ``tuneshift eval`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from app.attribution.class_shifts import ClassShifts
from app.evaluation.results import Result, TaskResults


def results_table(found: Sequence[TaskResults]) -> str:
    """For each task, a table of score, standard error and gap closed of every variant."""
    return "\n\n".join(_table(task) for task in found)


def _table(task: TaskResults) -> str:
    better = "higher" if task.higher_is_better else "lower"
    title = f"{task.task}: {task.measured}, {better} is better"
    if not task.results:
        return f"{title}\n  no answers yet"
    direct = task.checkpoints
    header = ["", "score", "± s.e.", "questions"]
    header += ["gap closed" if len(direct) == 1 else f"gap to {d.variant.name}" for d in direct]
    rows = [header, *(_row(task, result, direct) for result in task.results)]
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    lines = [title, *(_line(row, widths) for row in zip(*columns, strict=True))]
    truncated = max(result.truncated for result in task.results)
    if truncated:
        lines.append(
            f"  {truncated:,} prompts were longer than the context and were truncated at the start"
        )
    lines += [
        f"  {result.variant.title}: {_coverage(result.coverage, result.bounded)}"
        for result in task.results
        if result.coverage is not None
    ]
    if task.policies is not None:
        lines.append(f"  {task.policies}")
    return "\n".join(lines)


def _coverage(exact: float, bounded: float | None) -> str:
    text = f"pairs of another vocabulary know {exact:.1%} of the base's probability exactly"
    if bounded is None:
        return text
    unknown = max(1 - exact - bounded, 0.0)
    return f"{text}, the first piece of {bounded:.1%}, and nothing of {unknown:.1%}"


def shifts_table(found: Sequence[TaskResults]) -> str:
    """For each tuned variant, a table of mean shifts by class of token."""
    return "\n\n".join(
        _shifts(task.task, result.variant.title, result.shifts)
        for task in found
        for result in task.results
        if result.shifts is not None
    )


def _shifts(task: str, variant: str, shifts: ClassShifts) -> str:
    title = f"{task}, {variant}: mean shift of a token's probability, and the tokens most raised"
    rows = [["", "tokens", "shift", ""]]
    for name, total in [*shifts.classes.items(), ("all", shifts.whole)]:
        raised = ", ".join(
            f"{each.name!r} {each.mean_shift:+.3f} ({each.count:,})" for each in total.raised(5)
        )
        mean = f"{total.mean_shift:+.4f}" if total.count else ""
        rows.append([str(name), f"{total.count:,}", mean, raised])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row[:3], widths[:3]) + f"  {row[3]}".rstrip() for row in rows]
    return "\n".join([title, *lines])


def _row(task: TaskResults, result: Result, direct: Sequence[Result]) -> list[str]:
    measure = result.measure
    gaps = (task.gap_closed(result, other) for other in direct)
    return [
        result.variant.title,
        f"{measure.score:.4f}",
        "" if measure.stderr is None else f"{measure.stderr:.4f}",
        f"{measure.count:,}",
        *("" if gap is None else f"{gap:z.1%}" for gap in gaps),
    ]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [f"{row[0]:<{widths[0]}}"]
    cells += [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
    return ("  " + "  ".join(cells)).rstrip()
