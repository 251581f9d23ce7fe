"""Answers on the disk: damaged lines, and names that are no names of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.evaluation.store import ResultFolder, file_name


def test_lines_that_are_no_answers_are_passed_over(tmp_path: Path) -> None:
    answers = ResultFolder(tmp_path).answers("task", "base")
    answers.append([{"key": "a", "index": 1}])
    with answers.path.open("a", encoding="utf-8") as file:
        file.write('{"key": ["a"], "index": 2}\n{"key": "b", "index": {}}\n[1]\nnothing\n')
    assert answers.read(["a", "b"]).keys() == {"a", "b"}
    assert answers.latest().keys() == {1}


@pytest.mark.parametrize("name", ["..", ".", "../task", "/etc/task", ""])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    assert (tmp_path / file_name(name)).resolve().parent == tmp_path.resolve()
