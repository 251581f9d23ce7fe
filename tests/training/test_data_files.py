"""Reading of training data: every form, and errors that name file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.conversation import Conversation, Message
from app.checkpoints.spec import CheckpointSpec
from app.errors import TuneshiftError
from app.training.data.data_files import FEW_FILES, read_data
from app.training.data.documents import Document, Passage
from app.training.data.sections import cut_into_sections
from app.training.data.split import Split, split_documents
from app.training.plan.training_plan import TrainingPlan
from app.training.process.training_folder import TrainingFolder


def lines(path: Path, *items: object) -> Path:
    path.write_text("\n".join(json.dumps(item) for item in items), encoding="utf-8")
    return path


def test_a_folder_of_texts_has_a_document_for_each_file(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for place in range(FEW_FILES):
        (tmp_path / "inner" / f"{place:02}.txt").write_text("A letter.\r\nIts end. " * 300)
    (tmp_path / ".hidden.txt").write_text("not read")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    found = read_data(tmp_path)
    assert len(found.documents) == found.files == FEW_FILES
    assert not found.cut
    assert found.documents[0].name == "inner/00.txt"
    assert "\r" not in found.documents[0].content


def test_few_long_texts_are_cut_into_sections(tmp_path: Path) -> None:
    (tmp_path / "novel.md").write_text("\n\n".join(f"Paragraph {n}. " * 20 for n in range(40)))
    found = read_data(tmp_path)
    assert found.cut
    assert found.documents[0].name == "novel.md, section 1"
    ends = [document.passages[0].ends for document in found.documents]
    assert ends == [False] * (len(ends) - 1) + [True]


@pytest.mark.slow
@given(st.text(st.sampled_from("ab .\n\té"), max_size=400), st.integers(4, 60))
def test_sections_joined_are_the_text(text: str, most: int) -> None:
    sections = cut_into_sections(text, most)
    assert "".join(sections) == text
    assert all(0 < len(section) <= most for section in sections)


def test_json_lines_of_three_forms(tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "Bye"},
        {"role": "assistant", "content": "Bye."},
    ]
    path = lines(
        tmp_path / "data.jsonl",
        {"text": "A text."},
        {"prompt": "2 + 2", "answer": 4},
        {"instruction": "Translate", "input": "dog", "output": "Hund"},
        {"messages": messages},
    )
    texts, sums, translated, talk = read_data(path).documents
    assert texts == Document("data.jsonl, line 1", (Passage("A text."),))
    assert sums.passages == (Passage("4", "2 + 2"),)
    assert translated.passages == (Passage("Hund", "Translate\n\ndog"),)
    said = tuple(Message(m["role"], m["content"]) for m in messages)
    assert talk.passages == (
        Passage("Hi.", Conversation(said[:2])),
        Passage("Bye.", Conversation(said[:4])),
    )
    for document in (texts, sums, translated, talk):
        assert Document.of_json(json.loads(json.dumps(document.as_json()))) == document


def test_lines_of_one_document_stay_together(tmp_path: Path) -> None:
    path = lines(tmp_path / "d.jsonl", *({"text": f"t{n}", "document": n // 2} for n in range(4)))
    assert [len(document.passages) for document in read_data(path).documents] == [2, 2]


def test_a_table_has_its_columns_in_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('Question,Answer\n"How, then?","So,\nthen"\nWhy?,Because\n')
    first, second = read_data(path).documents
    assert first.passages == (Passage("So,\nthen", "How, then?"),)
    assert second.name == "data.csv, line 4"


def test_a_field_of_a_table_may_be_long(tmp_path: Path) -> None:
    answer = "long " * 40_000
    path = tmp_path / "data.csv"
    path.write_text(f"prompt,answer\nHow?,{answer}\n")
    assert read_data(path).documents[0].passages[0].text == answer


def test_lines_of_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        rows = ({"text": f"{name} says {n} and {n * 7} , {n * n}"} for n in range(30))
        lines(tmp_path / name / "data.jsonl", *rows)
        (tmp_path / name / "table.csv").write_text(f"text\n{name}\n")
    found = read_data(tmp_path).documents
    assert found[0].name == "a/data.jsonl, line 1"
    assert len({document.name for document in found}) == len(found) == 62
    split = split_documents(found)
    held_out = {document.content for document in (*split.choosing, *split.judging)}
    assert held_out.isdisjoint(document.content for document in split.training)


def test_what_a_training_writes_is_not_read_as_data(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "training.json").write_text('[{"text": "not of a training"}]')
    (tmp_path / "letter.txt").write_text("A letter.")
    before = read_data(tmp_path)
    plan = TrainingPlan("x", CheckpointSpec("folder:small"), CheckpointSpec("folder:base"))
    for folder in (tmp_path, tmp_path / "expert"):
        TrainingFolder(folder).begin(plan, Split((), (), ()))
        (folder / "adapter").mkdir()
        (folder / "adapter" / "README.md").write_text("A model card.")
        (folder / "verdict.json").write_text("{}")
    assert read_data(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "one,two\n1,2\n", "does not name its columns"),
        ("a.csv", 'prompt,answer\nHow?,"So\n', "line"),
        ("a.csv", '"prompt"x,answer\nHow?,So\n', "Line 1 of a.csv is no line of a table"),
        ("a.csv", "prompt,answer\nHow?,\n", "a.csv, line 2, has no text in “answer”"),
        ("a.jsonl", '{"text": "x"}\n{"text": \n', "Line 2 of a.jsonl is not JSON"),
        ("a.jsonl", '{"prompt": "x"}\n', "a.jsonl, line 1, has no text to learn"),
        ("a.jsonl", '{"text": ["x"]}\n', "a.jsonl, line 1, has no text in “text”"),
        ("a.jsonl", '{"messages": [{"role": "cat", "content": "x"}]}\n', "messages of a.jsonl"),
        ("a.jsonl", '{"messages": [{"role": "user", "content": "x"}]}\n', "no answer"),
        ("a.txt", b"\xff\xfe\x00", "a.txt is not UTF-8 text"),
        ("a.txt", " \n", "There is no text in"),
        ("a.exe", "x", "cannot be trained on"),
    ],
)
def test_errors_name_file_and_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(TuneshiftError) as raised:
        read_data(path)
    assert said in str(raised.value)


def test_an_empty_or_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TuneshiftError, match="has no texts"):
        read_data(tmp_path)
    with pytest.raises(TuneshiftError, match="There is no file or folder"):
        read_data(tmp_path / "missing")
