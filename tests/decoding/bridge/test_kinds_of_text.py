"""Rows where tokenizers differ most: digits, white space, line breaks, bytes of characters."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.refinement import LIKELY
from app.decoding.bridge.vocabulary_bridge import Opinion, VocabularyBridge
from tests.decoding.bridge.summed_texts import divergence, possible, summed, summed_as_split
from tests.decoding.bridge.two_vocabularies import END, CountedModel

pytestmark = pytest.mark.slow

KINDS = {
    "digits": ("12", "123", "4567", "89", "0", " + ", " = ", "2024", "3.14", ",000"),
    "indentation": ("if x:", "\n    ", "\n        ", "\n\t", "\n\t\t", "y", " = 1", "    ", "z"),
    "line breaks": ("a", "\n", "\n\n", "\n\n\n", " \n", "b.", " c", "\r\n"),
    "Korean": ("각하", " 하루", "한국어", "는", " 말", "이다.", "각", " "),
    "emoji": ("😀", "👍🏽", " ok", "🎉🎉", "!", " 😀", "é"),
    "leading spaces": ("the", " the", "  the", "there", " there", ",", " ", "   "),
}
"""Parts of texts of each kind."""

_WORDS = r"\p{L}+| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {
    "one digit a token": rf"\p{{N}}| ?{_WORDS}",
    "three digits a token": rf"\p{{N}}{{1,3}}| ?{_WORDS}",
}
"""How tokenizers of Qwen, and of Llama 3, split texts before they merge bytes."""


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def texts(kind: str, count: int) -> list[str]:
    """Texts in which every part depends on the one before it."""
    chance = random.Random(3)
    parts = KINDS[kind]
    following = {part: chance.sample(parts, 3) for part in parts}
    found = []
    for _ in range(count):
        chosen = [chance.choice(parts)]
        while len(chosen) < 3 or chance.random() > 0.15:
            chosen.append(chance.choice(following[chosen[-1]]))
        found.append("".join(chosen))
    return found


def tokenizer(split: str, size: int, learned: list[str]) -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(learned, trainer)
    made.add_special_tokens([END])
    return made


def bridged(kind: str, base: str, pair: str) -> tuple[BridgedLanguageModel, Tokenizer]:
    """A model of one tokenizer that reads another one's tokens, and that other tokenizer."""
    learned = texts(kind, 120)
    own = tokenizer(SPLITS[pair], 275, learned)
    other = tokenizer(SPLITS[base], 300, texts(kind, 60)[::-1])
    bridge = VocabularyBridge(
        text_bytes(other, other.get_vocab_size()),
        text_bytes(own, own.get_vocab_size()),
        [other.token_to_id(END)],
        [own.token_to_id(END)],
    )
    model = CountedModel(own, learned)
    return (
        BridgedLanguageModel(
            model, bridge, lambda text: own.encode(text, add_special_tokens=False).ids
        ),
        other,
    )


def divergences(kind: str, base: str, least: float) -> tuple[list[float], list[float]]:
    """How far rows are from sums over all texts, at every token: KL and total variation.

    Tokens of at least ``least`` are read piece by piece.
    """
    (pair,) = SPLITS.keys() - {base}
    lm, other = bridged(kind, base, pair)
    assert isinstance(lm.inner, CountedModel)
    relative, total = [], []
    for text in texts(kind, 2):
        lm.rewind(0)
        lm.extend(torch.tensor(lm.own([lm.inner.begin])))
        tokens: list[int] = []
        for index in other.encode(text).ids[:9]:
            expected = summed_as_split(lm, other, tokens)
            likely = (expected > least) & (lm.bridge.opinions == Opinion.BOUNDED)
            row, _ = lm.refined(lm.length, np.flatnonzero(likely).tolist())
            found = possible(row.exp().numpy(), expected)
            relative.append(divergence(expected, found))
            total.append(float(np.abs(expected - found).sum() / 2))
            lm.extend(torch.tensor([index]))
            tokens.append(index)
    return relative, total


@pytest.mark.parametrize("base", SPLITS)
def test_rows_of_digits_are_sums_over_all_texts(base: str) -> None:
    relative, _ = divergences("digits", base, 0.0)
    assert np.mean(relative) <= 1e-3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "digits"])
def test_rows_are_near_the_sums_where_tokenizers_look_ahead(kind: str) -> None:
    """Of 100 points of probability at most 15 are elsewhere, in texts of nothing but such parts."""
    _, total = divergences(kind, "one digit a token", LIKELY)
    print(kind, np.mean(total), np.max(total))
    assert np.mean(total) <= 0.15


def test_a_word_that_is_split_otherwise_when_it_goes_on_is_read_as_it_is_split_then() -> None:
    """“dear” is one token and “dearth” are two, the first of which ends inside “dear”."""
    merges = [("a", "r"), ("t", "h"), ("ar", "th"), ("d", "e"), ("de", "ar")]
    alphabet = [*"adehrt ", "ar", "th", "arth", "de", "dear", END]
    own = Tokenizer(models.BPE({token: place for place, token in enumerate(alphabet)}, merges))
    assert own.encode("dearth").tokens == ["de", "arth"]
    assert own.encode("dear").tokens == ["dear"]
    base = [token.encode() for token in ["dear", "th", *"adehrt "]]
    bridge = VocabularyBridge(base, [*(token.encode() for token in alphabet[:-1]), None], [], [])
    own.add_special_tokens([END])
    model = CountedModel(own, ["dear d", "dear e", "dearth", "dearth d"])
    lm = BridgedLanguageModel(
        model, bridge, lambda text: own.encode(text, add_special_tokens=False).ids
    )
    lm.extend(torch.tensor(lm.own([model.begin])))
    row = lm.extend(torch.tensor([0]))[0].exp()
    assert float(row[1]) < 1e-6
    assert lm.split_otherwise(lm.length, range(len(base))) == [1]
    row, known = lm.refined(lm.length, [1])
    assert known == [1]
    expected = summed(lm, [0], more=2)
    np.testing.assert_allclose(row.exp().numpy(), expected, atol=1e-6)
    assert expected[1] == pytest.approx(0.5)
