"""Exports for external scorers, and tasks that only collect answers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import EvaluationError
from app.evaluation.exports import export_answers
from app.evaluation.store import ResultFolder
from app.evaluation.task_files import read_task, task_file
from app.evaluation.tasks import Metric, Task

DS1000 = [
    {"prompt": "Problem: {output}\n", "metadata": {"problem_id": n, "library": "Pandas"}, "x": n}
    for n in range(3)
]
ALPACA = [
    {"instruction": "Say {role}", "input": "", "dataset": "koala"},
    {"instruction": "Translate", "input": "chat", "dataset": "vicuna"},
]


def task(name: str, data: Path) -> Task:
    path = task_file(name)
    assert path is not None
    return read_task(path, data)


def records(*outputs: str) -> list[dict[str, Any]]:
    return [{"index": at, "output": [text]} for at, text in reversed(list(enumerate(outputs)))]


def test_ds1000_has_one_line_per_problem_in_order(tmp_path: Path) -> None:
    data = tmp_path / "ds1000.jsonl"
    data.write_text("\n".join(map(json.dumps, DS1000)))
    asked = task("ds1000", data)
    folder = ResultFolder(tmp_path / "out")
    (path,) = export_answers(folder, asked, "tuned", records("a = 1", "{role}", "c"))
    assert path == tmp_path / "out" / "exports" / "ds1000" / "tuned-answers.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [
        {"id": at, "code": code, "metadata": DS1000[at]["metadata"]}
        for at, code in enumerate(["a = 1", "{role}", "c"])
    ]


def test_alpaca_farm_exports_a_list(tmp_path: Path) -> None:
    data = tmp_path / "eval.json"
    data.write_text(json.dumps(ALPACA, indent=2))
    asked = task("alpaca-farm", data)
    assert asked.questions[1].prompt.plain.endswith("Translate\nchat\n\n### Response:")
    assert asked.questions[1].prompt.message == "Translate\nchat"
    (path,) = export_answers(
        ResultFolder(tmp_path / "out"), asked, "tuned ×0.5", records("yes {output}", "le chat")
    )
    who = {"generator": "tuned ×0.5"}
    assert json.loads(path.read_text()) == [
        {"instruction": "Say {role}", "input": "", "output": "yes {output}", **who},
        {"instruction": "Translate", "input": "chat", "output": "le chat", **who},
    ]


def test_incomplete_answers_are_not_exported(tmp_path: Path) -> None:
    data = tmp_path / "ds1000.jsonl"
    data.write_text("\n".join(map(json.dumps, DS1000)))
    folder = ResultFolder(tmp_path / "out")
    assert export_answers(folder, task("ds1000", data), "base", records("a", "b")) == []
    assert not (tmp_path / "out").exists()


def test_each_sample_has_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"prompt": "?"}')
    path = tmp_path / "mine.toml"
    path.write_text(
        'format = 1\nmetric = "collect"\ndata = "data.jsonl"\nsamples = 2\n'
        '[generation]\ntemperature = 1.0\n[export.fields]\ntext = "{output}!"\n'
    )
    given = [{"index": 0, "output": ["one", "two"]}]
    found = export_answers(ResultFolder(tmp_path), read_task(path), "base", given)
    assert [file.name for file in found] == ["base-1-answers.jsonl", "base-2-answers.jsonl"]
    texts = [json.loads(file.read_text())["text"] for file in found]
    assert texts == ["one!", "two!"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[export]\nformat = "csv"\n', "There is no format “csv”"),
        ("[export]\n", "“fields” is missing"),
        ('[export.fields]\nid = "{nowhere}"\n', "has no “nowhere”"),
    ],
)
def test_invalid_exports_are_errors(tmp_path: Path, more: str, said: str) -> None:
    (tmp_path / "data.jsonl").write_text('{"prompt": "?"}')
    path = tmp_path / "mine.toml"
    path.write_text(f'format = 1\nmetric = "collect"\ndata = "data.jsonl"\n{more}')
    with pytest.raises(EvaluationError, match=said):
        read_task(path)


@pytest.mark.parametrize(
    ("line", "metric"),
    [
        ({"prompt": "?", "answer": "x"}, Metric.CONTAINS),
        ({"prompt": "?", "choices": ["x", "y"], "gold": 0}, Metric.CHOICE),
    ],
)
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_json_lines_are_a_task(
    tmp_path: Path, line: dict[str, Any], metric: Metric, ending: str
) -> None:
    path = tmp_path / f"my.questions.{ending}"
    packed = json.dumps(line).encode()
    path.write_bytes(gzip.compress(packed) if ending.endswith("gz") else packed)
    found = task_file(str(path))
    assert found == path
    asked = read_task(path)
    assert (asked.name, asked.metric, len(asked.questions)) == ("my.questions", metric, 1)
