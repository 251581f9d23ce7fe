import gzip
import json
import re
from pathlib import Path

import pytest

from app.errors import EvaluationError
from app.evaluation.requests import Prompt
from app.evaluation.task_files import builtin_tasks, read_task, task_file, unknown_task
from app.evaluation.tasks import Metric

HEAD = 'format = 1\nmetric = "match"\n'


def write(folder: Path, head: str, *lines: object) -> Path:
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "data.jsonl").write_text(data, encoding="utf-8")
    path = folder / "mine.toml"
    path.write_text(head + 'data = "data.jsonl"\n', encoding="utf-8")
    return path


def test_a_task_is_a_few_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path, HEAD, {"prompt": "1 + 1 =", "answer": 2}, "", {"prompt": "x", "answer": "y"}
    )
    task = read_task(path)
    assert (task.name, task.metric, task.generation.greedy) == ("mine", Metric.MATCH, True)
    assert [question.answers for question in task.questions] == [("2",), ("y",)]
    assert [question.index for question in task.questions] == [0, 1]
    assert task.first(1).questions == task.questions[:1]
    assert task.first(None) is task


def test_fields_of_a_line_fill_the_templates(tmp_path: Path) -> None:
    head = HEAD + (
        'prompt = "Q: {q}\\nA:"\nchat_prompt = "{q} {q}"\nchat_reply = "A:"\nanswer = "{names}"\n'
    )
    task = read_task(write(tmp_path, head, {"q": "{who}?", "names": ["Ann", "Bob"]}))
    (question,) = task.questions
    assert question.prompt == Prompt("Q: {who}?\nA:", "{who}? {who}?", "A:")
    assert question.answers == ("Ann", "Bob")


@pytest.mark.parametrize("gold", [1, "1", "B", "no"])
def test_the_right_choice_may_be_named_in_several_ways(tmp_path: Path, gold: object) -> None:
    head = 'format = 1\nmetric = "choice"\n'
    line = {"prompt": "?", "choices": ["yes", "no"], "gold": gold}
    (question,) = read_task(write(tmp_path, head, line)).questions
    assert (question.gold, question.answers) == (1, ("no",))


def test_every_sample_of_every_question_has_noise_of_its_own(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEAD + "samples = 3\n",
        *[{"prompt": "?", "answer": "x"}] * 4,
    )
    path.write_text(path.read_text() + "[generation]\ntemperature = 0.8\nseed = 7\n")
    task = read_task(path)
    requests = [r for question in task.questions for r in task.to_generate(question)]
    assert sorted(request.config.seed for request in requests) == list(range(7, 19))
    assert {request.config.temperature for request in requests} == {0.8}


@pytest.mark.parametrize(
    ("head", "lines", "said"),
    [
        (HEAD, ['{"prompt": "x"'], "Line 1 of data.jsonl is not JSON"),
        (HEAD, ['{"prompt": "x", "answer": "y"}', "", "[1]"], "Line 3 of data.jsonl is not a JSON"),
        (HEAD, ['[{"prompt": "x", "answer": "y"}, 1]'], "Item 2 of data.jsonl is not a JSON"),
        (HEAD, [{"prompt": "x\ud83d", "answer": "y"}], "Line 1.*half of a surrogate pair.*ud83d"),
        (HEAD, [{"prompt": "x"}], "Line 1 of data.jsonl has no “answer”.*prompt"),
        (HEAD, [{"prompt": "x", "answer": ""}], "Line 1 of data.jsonl has an empty"),
        (HEAD, [""], "has no questions"),
        ('format = 1\nmetric = "f1"\n', [{}], "no metric “f1”.*line 2"),
        ('format = 2\nmetric = "match"\n', [{}], "format 1.*line 1"),
        (HEAD + "smaples = 3\n", [{}], "“smaples”.*line 3.*Did you mean “samples”"),
        (HEAD + "samples = 0\n", [{}], "at least one sample"),
        (HEAD + "context = 1.0\n", [{}], "less than 1"),
        (HEAD + 'match.pattern = "("\n', [{}], "no regular expression.*line 3"),
        (HEAD + "generation.temperature = -1.0\n", [{}], "temperature.*line 3"),
        ("format = ", [{}], "not TOML"),
        ("format = " + "[" * 20_000, [{}], "not TOML"),
        (HEAD, ['{"prompt":' * 20_000], "Line 1 of data.jsonl is not JSON"),
        (HEAD, ["[" * 20_000], "data.jsonl is not JSON"),
        (HEAD + "pass_at = 2\n", [{}], "at most “samples”.*line 3"),
        (
            'format = 1\nmetric = "code"\nprogram = "{test}"\n',
            [{"prompt": "x", "test": "y"}],
            "must contain {output}.*line 3",
        ),
        (
            'format = 1\nmetric = "choice"\n',
            [{"prompt": "?", "choices": ["a", "b"], "gold": "c d"}],
            "has no choice “c d”",
        ),
        (
            'format = 1\nmetric = "choice"\n',
            [{"prompt": "?", "choices": ["a"], "gold": 0}],
            "fewer than two choices",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, head: str, lines: list[object], said: str
) -> None:
    with pytest.raises(EvaluationError) as raised:
        read_task(write(tmp_path, head, *lines))
    assert re.search(said, str(raised.value), re.DOTALL), str(raised.value)


def test_a_program_is_what_is_before_and_after_the_answer(tmp_path: Path) -> None:
    head = 'format = 1\nmetric = "code"\nprogram = "{prompt}{output}\\n{test}"\n'
    (question,) = read_task(write(tmp_path, head, {"prompt": "def f():", "test": "f()"})).questions
    assert question.program == ("def f():", "\nf()")


def test_data_may_be_packed(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD, {"prompt": "x", "answer": "y"})
    packed = tmp_path / "other.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"prompt": "1", "answer": "2"}\n'))
    assert read_task(path, packed).questions[0].answers == ("2",)
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(EvaluationError, match=r"other\.jsonl\.gz cannot be read"):
        read_task(path, packed)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"nowhere\.toml"):
        read_task(tmp_path / "nowhere.toml")
    path = write(tmp_path, HEAD, {"prompt": "x", "answer": "y"})
    with pytest.raises(EvaluationError, match=r"data file .*other\.jsonl does not exist"):
        read_task(path, tmp_path / "other.jsonl")
    gsm8k = task_file("gsm8k-zero-shot")
    assert gsm8k is not None
    with pytest.raises(EvaluationError, match="--data gsm8k-zero-shot=FILE"):
        read_task(gsm8k)


def test_names_that_are_near_are_told() -> None:
    assert builtin_tasks() == [
        "alpaca-farm",
        "demo-arithmetic",
        "demo-form",
        "demo-plays",
        "ds1000",
        "gsm8k-zero-shot",
        "humaneval-zero-shot",
    ]
    assert "Did you mean gsm8k-zero-shot?" in str(
        unknown_task("gsm8k-zeroshot", ["gsm8k-zero-shot"])
    )
    assert "gsm8k-zero-shot" in str(unknown_task("xyz", builtin_tasks()))
    assert task_file("mmlu") is None
