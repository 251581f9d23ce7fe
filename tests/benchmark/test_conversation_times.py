"""What is timed until the first token: which tokens each model reads for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from app.benchmark.conversation_times import measure_conversation
from app.benchmark.first_token_times import time_first_token
from app.benchmark.setup import Setup, of_recipe
from app.decoding.model_context import ModelContext
from app.decoding.types import GenerationConfig
from tests import tiny


@pytest.fixture
def small(llama: tiny.Family) -> Setup:
    return of_recipe(
        llama.recipe(0.7), "the king said", GenerationConfig(max_new_tokens=4, temperature=0.0)
    )


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The sizes of all blocks that the base reads."""
    sizes: list[int] = []
    extend = ModelContext.extend

    def noted(context: ModelContext, tokens: list[int], last: int) -> torch.Tensor:
        if context.name == "base":
            sizes.append(len(tokens))
        return extend(context, tokens, last)

    monkeypatch.setattr(ModelContext, "extend", noted)
    with torch.inference_mode():
        yield sizes


@pytest.mark.slow
def test_each_way_reads_what_it_is_named_for(small: Setup, read: list[int]) -> None:
    found = measure_conversation(small, turns=4, repeats=2)
    assert (found.turns, found.before, found.new) == (4, 3 * 64, 32)
    assert read[-16:] == [192 + 32, *[1, 32, 32] * 5]  # anew; the turns before, continued, alone
    assert read[:32] == [32, *[1] * 31]  # the first message and its answer
    assert read[32] == 1 + 32  # the last token of the answer was not read yet
    assert min(found.anew, found.continued, found.alone, found.ratio) > 0


@pytest.mark.slow
def test_turns_are_short_enough_for_the_context(small: Setup) -> None:
    with torch.inference_mode():
        found = measure_conversation(small, turns=20, repeats=1)
    assert found.new == tiny.CONTEXT // 40
    assert found.before + found.new < tiny.CONTEXT


@pytest.mark.slow
def test_a_continued_text_reads_its_last_tokens_only(small: Setup, read: list[int]) -> None:
    found = time_first_token(small, 100, repeats=2)
    assert (found.size, found.new) == (100, 16)
    assert read == [100, 84, 16] * 3  # anew; what comes before; continued
    assert min(found.fresh, found.continued) > 0
