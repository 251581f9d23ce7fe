"""Export of answers for external scorers. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from app.evaluation.store import Record, ResultFolder, file_name
from app.evaluation.tasks import Export, Question, Task


def export_answers(
    folder: ResultFolder, task: Task, role: str, records: Sequence[Record]
) -> list[Path]:
    """Write one variant's answers to a task with an export format, if they are complete.

    Args:
        folder: The folder of the evaluation; files are written to ``exports/TASK``.
        task: The task.
        role: The name of the variant.
        records: The answers, in any order.

    Returns:
        The written files, one for each sample.

    Raises:
        EvaluationError: A file cannot be written.
    """
    if task.export is None or len(records) < len(task.questions):
        return []
    answers = {record["index"]: record["output"] for record in records}
    paths = []
    for sample in range(task.samples):
        mark = f"-{sample + 1}" if task.samples > 1 else ""
        suffix = "json" if task.export.as_list else "jsonl"
        name = f"exports/{file_name(task.name)}/{file_name(role)}{mark}-answers.{suffix}"
        items = [
            _filled(task.export, question, answers[question.index][sample], role)
            for question in task.questions
        ]
        paths.append(folder.write_text(name, _text(task.export, items)))
    return paths


def _filled(export: Export, question: Question, output: str, role: str) -> dict[str, Any]:
    known = dict(question.exported)
    return {
        name: known[name]
        if name in known
        else output.join(part.replace("{role}", role) for part in template.split("{output}"))
        for name, template in export.fields
    }


def _text(export: Export, items: Iterable[dict[str, Any]]) -> str:
    if export.as_list:
        return json.dumps(list(items), ensure_ascii=False, indent=2) + "\n"
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
