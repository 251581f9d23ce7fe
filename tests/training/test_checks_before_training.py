"""What is checked and derived before a training, so that it and its judging do not fail late."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.errors import TuneshiftError
from app.training.preparing.preparation import prepare_training
from app.training.preparing.prepared_training import Preparation, TrainingRequest
from tests import tiny

pytestmark = pytest.mark.slow
WORDS = [
    "the",
    "king",
    "said",
    "to",
    "daughter",
    "that",
    "night",
    "was",
    "long",
    "and",
    "sea",
    "wide",
    "thou",
    "art",
    "queen",
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data.jsonl"


def words(seed: int, count: int) -> str:
    return " ".join(Random(seed).choices(WORDS, k=count))


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)))


def questions(count: int = 40, length: int = 6) -> list[dict[str, Any]]:
    return [{"prompt": f"How many? {n}", "answer": words(n, length)} for n in range(count)]


def prepared(data: Path, llama: tiny.Family, **request: Any) -> Preparation:
    small, base = tiny.spec(llama.antiexpert), tiny.spec(llama.base)
    return prepare_training(TrainingRequest(data, small, base, **request))


def test_a_given_batch_size_is_that_of_a_step(data: Path, llama: tiny.Family) -> None:
    write(data, *questions())
    found = prepared(data, llama, settings={"batch_size": 2, "epochs": 3.0})
    settings = found.plan.settings
    assert (settings.batch_size, settings.batch_rows) == (2, 2)
    assert found.steps == 15 * 3  # of 30 examples


def test_epochs_and_interval_follow_from_the_windows_that_are_trained_on(
    data: Path, llama: tiny.Family
) -> None:
    write(data, *({"text": words(n, 300)} for n in range(24)))
    found = prepared(data, llama, settings={"most_tokens": 64})
    examples = found.summary.examples
    assert max(100, 4 * found.summary.training) < examples < 2_000
    settings = found.plan.settings
    assert settings.epochs == round(120 * 8 / examples, 2)
    assert found.steps == math.ceil(math.ceil(examples / 8) * settings.epochs)
    assert settings.steps_between == math.ceil(found.steps / 10)


def test_examples_are_cut_at_the_context_of_the_small_model(data: Path, llama: tiny.Family) -> None:
    write(data, *questions())
    found = prepared(data, llama, settings={"most_tokens": tiny.CONTEXT + 1})
    assert found.plan.settings.most_tokens == tiny.CONTEXT
    assert any(
        "512 tokens, the context of the small" in said for said in map(str, found.summary.warnings)
    )


def test_a_held_out_answer_longer_than_the_context_is_refused(
    data: Path, llama: tiny.Family
) -> None:
    write(data, *questions(length=2 * tiny.CONTEXT))
    with pytest.raises(TuneshiftError, match="too long to be judged") as raised:
        prepared(data, llama)
    assert "10 of 10 held-out documents" in str(raised.value)
    write(data, *({"text": words(n, 2 * tiny.CONTEXT)} for n in range(40)))
    assert prepared(data, llama).summary.held_out == 10  # texts are read in windows


def test_a_prompt_that_the_template_of_the_base_refuses_is_found_before(
    data: Path, llama: tiny.Family, tmp_path: Path
) -> None:
    write(data, *questions())
    refusing = "{{ raise_exception('no such role') }}"
    base = tiny.with_chat_template(llama.base, tmp_path / "base", refusing)
    with pytest.raises(TuneshiftError, match="cannot be judged"):
        prepare_training(TrainingRequest(data, tiny.spec(llama.antiexpert), base))


def test_answers_without_a_match_are_counted(data: Path, llama: tiny.Family) -> None:
    rows = questions()
    write(data, *rows)
    with pytest.raises(TuneshiftError, match="finds nothing in the expected ones"):
        prepared(data, llama, match=r"\d+")
    all_found = prepared(data, llama, match=".+")
    assert not any("regular" in said for said in map(str, all_found.summary.warnings))
    write(data, *({**row, "answer": f"{row['answer']} {n % 2}"} for n, row in enumerate(rows)))
    found = prepared(data, llama, match="1$")
    held_out = (*found.split.choosing, *found.split.judging)
    missing = sum(not document.content.endswith("1") for document in held_out)
    assert 0 < missing < len(held_out)
    assert any(
        f"nothing in {missing} expected" in said for said in map(str, found.summary.warnings)
    )


def test_the_memory_of_the_models_that_judge_is_estimated(data: Path, llama: tiny.Family) -> None:
    write(data, *questions())
    (cpu,) = prepared(data, llama).judging.devices
    weights = sum(
        file.stat().st_size
        for role in (llama.base, llama.antiexpert)
        for file in role.glob("*.safetensors")
    )
    assert cpu.needed > weights
