"""Sums over all texts of a model that counts, byte by byte, as what bridged rows should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tokenizers import Tokenizer

from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge
from tests.decoding.bridge.two_vocabularies import CountedModel


def first_base_token(text: bytes, bridge: VocabularyBridge, *, ended: bool) -> int:
    """The longest token of the base that a text begins with; the last id where nothing follows."""
    if ended and not text:
        return len(bridge.base) - 1
    tokens = {bridge.base[index]: index for index in bridge.base.ids()}
    return next(tokens[text[:end]] for end in range(len(text), 0, -1) if text[:end] in tokens)


def all_texts(
    model: CountedModel, pair: Sequence[bytes], text: bytes, more: int
) -> Iterator[tuple[bytes, bool, float]]:
    """Every text that begins with ``text`` and goes on for ``more`` bytes, or ends; with its
    probability. Tokens are followed one by one from the beginning."""
    waiting = [([model.begin], b"", 1.0, 1.0)]
    while waiting:
        ids, so_far, probability, beyond = waiting.pop()
        for index, chance in model.after(ids).items():
            longer = so_far + pair[index]
            shared = min(len(longer), len(text))
            if longer[:shared] != text[:shared] or beyond < 1e-7:
                continue
            following = (probability * chance, beyond * (chance if len(so_far) >= len(text) else 1))
            if index == model.end:
                if len(so_far) >= len(text):
                    yield so_far, True, following[0]
            elif len(longer) >= len(text) + more:
                yield longer, False, following[0]
            else:
                waiting.append(([*ids, index], longer, *following))


def texts_after(
    lm: BridgedLanguageModel, tokens: Sequence[int], more: int
) -> Iterator[tuple[bytes, bool, float]]:
    """:func:`all_texts` that begin with the bytes of these tokens of the base."""
    bridge, model = lm.bridge, lm.inner
    assert isinstance(model, CountedModel)
    text = b"".join(map(bridge.base.__getitem__, tokens))
    pair = [bridge.pair[index] for index in range(len(bridge.pair))]
    return all_texts(model, pair, text, more)


def summed(lm: BridgedLanguageModel, tokens: list[int], more: int = 10) -> np.ndarray:
    """The probability of each token of the base after ``tokens``, from all texts.

    Texts that begin with other tokens of the base do not count.
    """
    bridge = lm.bridge
    start = sum(len(bridge.base[token]) for token in tokens)
    row = np.zeros(len(bridge.base))
    for whole, ended, probability in texts_after(lm, tokens, more):
        if all_first(tokens, whole, bridge):
            row[first_base_token(whole[start:], bridge, ended=ended)] += probability
    return row / row.sum()


def summed_as_split(
    lm: BridgedLanguageModel, base: Tokenizer, tokens: list[int], more: int = 12
) -> np.ndarray:
    """The same, where texts count whose tokens in the base's tokenizer begin with ``tokens``."""
    row = np.zeros(len(lm.bridge.base))
    for whole, ended, probability in texts_after(lm, tokens, more):
        ids = base.encode(whole.decode(errors="ignore"), add_special_tokens=False).ids
        if ids[: len(tokens)] == tokens and (ended or len(ids) > len(tokens)):
            row[[*ids, len(row) - 1][len(tokens)]] += probability
    return row / row.sum()


def all_first(tokens: list[int], whole: bytes, bridge: VocabularyBridge) -> bool:
    """Whether a text begins with these tokens, each the longest at its place."""
    start = 0
    for token in tokens:
        if bridge.base.first_piece(whole[start:]) != token:
            return False
        start += len(bridge.base[token])
    return True


def possible(row: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """A row without the tokens that no text goes on with.

    After “index” the pair may go on with “e”, for “indexed”; but then the base would have chosen
    its token “indexed” before. The base gives such tokens no probability.
    """
    kept = np.where(expected > 0, row, 0.0)
    return kept / kept.sum()


def grouped(row: np.ndarray, bridge: VocabularyBridge) -> np.ndarray:
    """Tokens that begin with the same piece count as one."""
    group = np.arange(len(row))
    longer = bridge.pieces >= 0
    group[longer] = [bridge.first_token(piece) for piece in bridge.pieces[longer]]
    return np.bincount(group, row, len(row) + 1)


def divergence(expected: np.ndarray, row: np.ndarray) -> float:
    there = expected > 0
    return float((expected[there] * np.log(expected[there] / np.maximum(row[there], 1e-30))).sum())
