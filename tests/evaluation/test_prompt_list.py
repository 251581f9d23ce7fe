"""Lists of prompts: lines, JSON lines, tables, tasks, and what is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.checkpoints.conversation import Conversation, Message
from app.errors import EvaluationError
from app.evaluation.prompt_list import prompts_of_lines, read_prompts


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return str(path)


def test_each_line_is_a_prompt() -> None:
    assert prompts_of_lines("one\n\n two \r\n\tthree\n") == ["one", " two ", "\tthree"]


def test_a_text_file_has_a_prompt_on_each_line(tmp_path: Path) -> None:
    name = written(tmp_path, "prompts.txt", "\ufeff한국어\n\nthe king\n")
    assert read_prompts(name) == ["한국어", "the king"]


def test_json_lines_have_prompts_messages_or_texts(tmp_path: Path) -> None:
    lines = (
        '{"prompt": "a\\nb", "id": 3}\n\n'
        '{"messages": [{"role": "user", "content": "Who?"}]}\n"plain"\n'
    )
    asked = Conversation((Message("user", "Who?"),))
    assert read_prompts(written(tmp_path, "p.jsonl", lines)) == ["a\nb", asked, "plain"]
    assert read_prompts(written(tmp_path, "p.json", '["x", {"prompt": "y"}]')) == ["x", "y"]


def test_a_table_has_a_column_of_prompts(tmp_path: Path) -> None:
    table = 'id,prompt\n1,"two\nlines, ""quoted"""\n2,\n3,last\n'
    assert read_prompts(written(tmp_path, "p.csv", table)) == ['two\nlines, "quoted"', "last"]
    assert read_prompts(written(tmp_path, "p.tsv", "id\tprompt\n1\tone\n")) == ["one"]
    assert read_prompts(written(tmp_path, "q.csv", "first\nsecond\n")) == ["first", "second"]
    assert read_prompts(written(tmp_path, "R.CSV", "id,prompt\n1,one\n")) == ["one"]
    assert read_prompts(written(tmp_path, "R.JSONL", '{"prompt": "one"}\n')) == ["one"]


def test_a_task_has_the_prompts_of_its_questions(tmp_path: Path) -> None:
    found = read_prompts("demo-arithmetic")
    assert len(found) > 10
    assert all(isinstance(prompt, str) and prompt for prompt in found)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.txt", " \n\n", "no prompts in p.txt"),
        ("p.jsonl", '{"prompt": "a"}\n{"question": "b"}\n', "Line 2 of p.jsonl has no prompt"),
        ("p.jsonl", '{"prompt": 3}\n', "Line 1 of p.jsonl has no prompt"),
        ("p.jsonl", "{\n", "Line 1 of p.jsonl is not JSON"),
        ("p.jsonl", '{"messages": []}\n', "Line 1 of p.jsonl: A conversation must be"),
        ("p.json", "[1", "p.json is not JSON"),
        ("p.csv", "a,b\n1,2\n", "no column “prompt”"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        read_prompts(written(tmp_path, name, text))


@pytest.mark.parametrize(("line", "before"), [(1, ""), (2, "prompt\n")])
def test_a_field_that_is_too_long_is_refused(tmp_path: Path, line: int, before: str) -> None:
    name = written(tmp_path, "p.csv", before + "x" * 200 + "\n")
    usual = csv.field_size_limit(100)
    try:
        with pytest.raises(EvaluationError, match=f"Line {line} of p.csv is not CSV .field larger"):
            read_prompts(name)
    finally:
        csv.field_size_limit(usual)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"none\.txt cannot be read"):
        read_prompts(str(tmp_path / "none.txt"))
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(EvaluationError, match=r"latin\.txt is not UTF-8 \(byte 4\)"):
        read_prompts(str(tmp_path / "latin.txt"))
