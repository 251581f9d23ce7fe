"""Tasks in TOML files over JSON-lines data. docs/evaluation.md describes the format.

Imports no torch.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from app.checkpoints.recipes.recipe_table import Problem, Table
from app.decoding.types import GenerationConfig
from app.errors import EvaluationError
from app.evaluation.data_lines import read_lines
from app.evaluation.metrics import Matching
from app.evaluation.requests import Prompt
from app.evaluation.tasks import Export, Metric, Question, Task
from app.resources import resource

FORMAT = 1
_KEYS = (
    "format",
    "name",
    "description",
    "data",
    "metric",
    "prompt",
    "chat_prompt",
    "chat_reply",
    "answer",
    "choices",
    "gold",
    "match",
    "by_length",
    "context",
    "samples",
    "program",
    "pass_at",
    "generation",
    "export",
)
_LINES = (".jsonl", ".jsonl.gz")
"""Extensions of data files that are tasks by themselves."""


def builtin_tasks() -> list[str]:
    """Names of the built-in tasks."""
    return sorted(path.stem for path in resource("tasks").glob("*.toml"))


def task_file(name: str) -> Path | None:
    """The file of a built-in task, or the path of a task file; None if ``name`` is neither."""
    if name in builtin_tasks():
        return resource("tasks", f"{name}.toml")
    return Path(name).expanduser() if name.endswith((".toml", *_LINES)) else None


def metric_of(path: Path) -> Metric | None:
    """The metric of a task file, without reading its data; None if it cannot be determined."""
    try:
        named = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("metric")
    except (OSError, ValueError, RecursionError):
        return None
    return Metric(named) if named in list(Metric) else None


def needs_data(path: Path) -> bool:
    """Whether a task file names no data file, so that the user has to give one."""
    if path.name.endswith(_LINES):
        return False
    try:
        return "data" not in tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False


def task_name(path: Path) -> str:
    """The name of a task file without its extension."""
    return path.name.removesuffix(".gz").rpartition(".")[0]


def unknown_task(name: str, known: Iterable[str]) -> EvaluationError:
    """The error for an unknown task name, with similar names."""
    near = difflib.get_close_matches(name, list(known), 3, 0.5)
    return EvaluationError(
        f"There is no task “{name}”",
        next_step=f"Did you mean {', '.join(near)}?"
        if near
        else f"Name a .toml file, or one of: {', '.join(builtin_tasks())}.",
    )


def read_task(path: Path, data: Path | None = None) -> Task:
    """Read a task with its questions.

    Args:
        path: The TOML file, or a file of JSON lines. Lines with ``prompt`` and ``answer`` use the
            metric ``contains``; lines with ``prompt``, ``choices`` and ``gold`` use ``choice``.
        data: The data file, in place of the one that the task names. It may be compressed with
            gzip.

    Raises:
        EvaluationError: A file or line is invalid.
    """
    if path.name.endswith(_LINES):
        first = next(iter(read_lines(path)), None)
        choice = first is not None and "choices" in first.values
        metric = Metric.CHOICE if choice else Metric.CONTAINS
        return _Reader({"format": FORMAT, "metric": str(metric)}).task(path, path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"The task {path} cannot be read", evidence=str(error)) from error
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"The task {path.name} is not TOML", evidence=str(error)) from error
    try:
        return _Reader(content).task(path, data)
    except Problem as problem:
        raise problem.located(EvaluationError, path.name, text) from problem


class _Reader:
    """Reads one task from its parsed TOML."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._table = Table(content, (), "the task", _KEYS)

    def task(self, path: Path, data: Path | None) -> Task:
        table = self._table
        if table.get("format", int) != FORMAT:
            table.fail("format", f"This version reads tasks of format {FORMAT}")
        name = table.get("name", str, task_name(path))
        metric = self._metric()
        samples = table.get("samples", int, 1)
        if samples < 1:
            table.fail("samples", "There must be at least one sample for each question")
        pass_at = table.get("pass_at", int, 1)
        if not 1 <= pass_at <= samples:
            table.fail("pass_at", "“pass_at” must be at least 1 and at most “samples”")
        context = table.get("context", float, 0.5)
        if not 0 <= context < 1:
            table.fail("context", "“context” must be at least 0 and less than 1")
        without = Task(
            name=name,
            metric=metric,
            questions=(),
            generation=self._generation(),
            samples=samples,
            matching=self._matching(),
            by_length=table.get("by_length", bool, False),
            context=context,
            pass_at=pass_at,
            export=self._export() if "export" in table else None,
        )
        questions = self._questions(metric, self._data(path, data, name), without.export)
        return replace(without, questions=questions)

    def _export(self) -> Export:
        inner = self._table.inner("export", ("format", "fields"), {})
        kind = inner.get("format", str, "jsonl")
        if kind not in ("json", "jsonl"):
            inner.fail("format", f"There is no format “{kind}”", "Use json or jsonl.")
        given = inner.get("fields", dict)
        fields = tuple((name, str(template)) for name, template in given.items())
        return Export(fields, as_list=kind == "json")

    def _metric(self) -> Metric:
        name = self._table.get("metric", str)
        if name not in list(Metric):
            self._table.fail(
                "metric", f"There is no metric “{name}”", f"Use one of {', '.join(Metric)}."
            )
        return Metric(name)

    def _data(self, path: Path, data: Path | None, name: str) -> Path:
        named = self._table.get("data", str, "")
        if data is None and not named:
            raise EvaluationError(
                f"The task {name} needs its data file",
                next_step=f"Give it with --data {name}=FILE.jsonl",
            )
        return data or path.parent / Path(named).expanduser()

    def _generation(self) -> GenerationConfig:
        defaults = asdict(GenerationConfig(temperature=0.0))
        for name in ("logit_bias", "structure", "structure_text", "alpha_policy"):
            del defaults[name]  # texts in batches do not have them, and roles have the policy
        inner = self._table.inner("generation", defaults, {})
        values = {
            key: inner.get(key, type(default))
            for key, default in defaults.items()
            if key in inner and not isinstance(default, tuple)
        }
        for key, value in values.items():
            with inner.blaming(key):
                GenerationConfig(**{key: value})
        stop = inner.get_list("stop", str, [])
        with inner.blaming("stop"):
            return GenerationConfig(**{**defaults, **values, "stop": tuple(stop)})

    def _matching(self) -> Matching:
        inner = self._table.inner("match", asdict(Matching()), {})
        for key in ("pattern", "answer_pattern", "remove"):
            try:
                re.compile(inner.get(key, str, ""))
            except re.error as error:
                inner.fail(key, f"“{key}” is no regular expression", evidence=str(error))
        return Matching(
            inner.get("pattern", str, ""),
            inner.get("answer_pattern", str, ""),
            inner.get("last", bool, True),
            inner.get("remove", str, ""),
        )

    def _questions(self, metric: Metric, path: Path, export: Export | None) -> tuple[Question, ...]:
        prompt = self._table.get("prompt", str, "{prompt}")
        chat = self._table.get("chat_prompt", str, prompt)
        reply = self._table.get("chat_reply", str, "")
        questions: list[Question] = []
        for line in read_lines(path):
            asked = Prompt(line.filled(prompt), line.filled(chat), line.filled(reply))
            if metric is Metric.CHOICE:
                choices = line.texts(self._table.get("choices", str, "{choices}"))
                gold = line.gold(self._table.get("gold", str, "{gold}"), choices)
                found = Question(len(questions), asked, (choices[gold],), choices, gold)
            elif metric is Metric.CODE:
                program = self._table.get("program", str, "{output}")
                before, output, after = program.partition("{output}")
                if not output:
                    self._table.fail("program", "“program” must contain {output}")
                found = Question(
                    len(questions), asked, program=(line.filled(before), line.filled(after))
                )
            elif metric is Metric.COLLECT:
                found = Question(len(questions), asked)
            else:
                answers = line.texts(self._table.get("answer", str, "{answer}"))
                found = Question(len(questions), asked, answers)
            if export:
                found = replace(found, exported=line.exported(export.fields, len(questions)))
            questions.append(found)
        if not questions:
            raise EvaluationError(f"The data file {path} has no questions")
        return tuple(questions)
