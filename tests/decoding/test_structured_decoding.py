"""Decoding under a mask, plain and with drafts, against all tokens tried one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checkpoints.structured_output import StructuredOutput
from app.decoding.decode import TextPrefix
from app.decoding.token_mask import TokenMask
from app.decoding.tuned_logits import tuned_logits
from app.decoding.types import FinishReason, GenerationConfig
from app.errors import StructureError
from tests.decoding.table_model import VOCABULARY
from tests.decoding.test_speculative import Tables, assert_same
from tests.decoding.texts import TOKENIZER

WORDS = ("!", '""', "#$%", "&")
EOS = 0
CONFIG = GenerationConfig(
    max_new_tokens=40,
    temperature=1.0,
    top_p=1.0,
    structure="grammar",
    structure_text='root ::= ("!" | "\\"\\"" | "#$%" | "&")*',
)
OUTPUT = StructuredOutput(TOKENIZER, VOCABULARY, [EOS])
TEXTS = [TOKENIZER.id_to_token(index) for index in range(VOCABULARY)]


def begins_words(text: str) -> bool:
    """Whether ``text`` is the beginning of some words in a row."""
    if any(word.startswith(text) for word in WORDS):
        return True
    return any(text.startswith(word) and begins_words(text[len(word) :]) for word in WORDS)


def is_words(text: str) -> bool:
    return not text or any(text.startswith(word) and is_words(text[len(word) :]) for word in WORDS)


def allowed(ids: Sequence[int]) -> list[int]:
    """All ids that may follow, each of them tried."""
    text = "".join(TEXTS[index] for index in ids)
    found = [i for i in range(VOCABULARY) if i != EOS and begins_words(text + TEXTS[i])]
    return [EOS, *found] if is_words(text) else found


def mask(config: GenerationConfig = CONFIG) -> TokenMask:
    made = OUTPUT.mask(config)
    assert made is not None
    return made


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def test_tokens_are_sampled_from_the_tuned_distribution_over_the_allowed_ids() -> None:
    desk = Tables(3)
    ends = 0
    for seed in range(12):
        config = replace(CONFIG, seed=seed)
        text = desk.plain(config, eos_ids=[EOS], mask=mask())
        for place, step in enumerate(text.steps):
            ids = allowed(text.ids[:place])
            assert step.token_id in ids
            row = tuned_logits(step.kept_logits, step.alphas).astype(np.float64)
            weights = np.exp(row[ids] - row[ids].max())
            share = weights[ids.index(step.token_id)] / weights.sum()
            assert step.sampled_probability == pytest.approx(share, rel=1e-5)
        if text.reason is FinishReason.EOS:
            ends += 1
            assert is_words(text.text)
    assert ends


@pytest.mark.slow
@given(
    seed=st.integers(0, 1000),
    apart=st.sampled_from([0.0, 0.3, 1.0]),
    temperature=st.sampled_from([0.0, 0.7, 1.6]),
    top_k=st.sampled_from([0, 1, 3]),
    top_p=st.sampled_from([0.6, 1.0]),
    penalty=st.sampled_from([0.0, 1.1]),
    costs=st.lists(st.sampled_from([0.1, 1.0, 10.0]), min_size=3, max_size=3),
    kept=st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_drafts_obey_the_mask_and_change_nothing(
    seed: int,
    apart: float,
    temperature: float,
    top_k: int,
    top_p: float,
    penalty: float,
    costs: list[float],
    kept: int,
) -> None:
    desk = Tables(seed, apart=apart, seconds=costs)
    config = replace(
        CONFIG,
        seed=seed,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        frequency_penalty=penalty,
    )
    begun = desk.plain(config, eos_ids=[EOS], mask=mask()).ids
    prefix = TextPrefix(tuple(begun[:kept]))
    plain = desk.plain(config, eos_ids=[EOS], prefix=prefix, mask=mask())
    assert plain.ids == begun[kept:]
    for _ in range(3):
        again = desk.speculative(config, eos_ids=[EOS], prefix=prefix, mask=mask())
        assert_same(plain, again)


def test_something_is_drafted_under_a_mask() -> None:
    desk = Tables(apart=0.2)
    config = replace(CONFIG, logit_bias=((EOS, -100.0),), max_new_tokens=120)
    assert_same(
        desk.plain(config, eos_ids=[EOS], mask=mask()),
        desk.speculative(config, eos_ids=[EOS], mask=mask()),
    )
    drafted = desk.speculator.stats.total
    assert drafted.acceptance is not None
    assert drafted.acceptance > 0.7


def test_a_given_text_without_the_structure_is_scored_and_not_continued() -> None:
    desk = Tables()
    ids = [TEXTS.index(each) for each in "!#!"]
    whole = replace(CONFIG, max_new_tokens=len(ids))
    scored = desk.plain(whole, prefix=TextPrefix((), tuple(ids)), mask=mask())
    assert [step.sampled_probability > 0 for step in scored.steps] == [True, True, False]
    with pytest.raises(StructureError, match="does not have the structure"):
        desk.plain(CONFIG, prefix=TextPrefix((), tuple(ids)), mask=mask())


def test_a_structure_that_the_roles_cannot_write_is_an_error() -> None:
    desk = Tables()
    config = replace(CONFIG, structure_text='root ::= "z"')
    with pytest.raises(StructureError, match="No token goes on"):
        desk.plain(config, mask=mask(config), eos_ids=[EOS])
