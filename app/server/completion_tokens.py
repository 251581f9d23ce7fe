"""What is kept of a token for the answer: its text, its log-probabilities, what the pairs did."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.attribution.row_statistics import log_softmax, top
from app.decoding.tuned_logits import tuned_logits
from app.engine.events import TokenDecoded

_LEAST = -9999.0
"""What stands for −∞, as in vLLM: JSON has none."""
_BYTES = re.compile("⟨((?:[0-9A-F]{2} ?)+)⟩")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A token and its log-probability after tuning."""

    token_id: int
    logprob: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of an answer.

    Attributes:
        text: The text that it completed.
        start: Where that begins in what the engine writes.
        token: The token with its log-probability.
        ranked: The most probable tokens after tuning, the most probable first.
        explained: The extension: what it was to the base and what each pair did.
        given: Whether it is a part of the prompt.
    """

    text: str
    start: int
    token: Ranked
    ranked: tuple[Ranked, ...]
    explained: dict[str, Any] | None
    given: bool = False


def piece_of(event: TokenDecoded, most: int, *, explain: bool) -> Piece:
    """What to keep of a token.

    Args:
        event: Of the engine, with its rows of logits.
        most: How many of the most probable tokens to keep.
        explain: Whether to say what the pairs did.
    """
    step, explained = event.step, event.attribution
    ranked = _ranked(event, most) if most else ()
    # Where it is ranked it has that very number: whoever compares the two wants them equal.
    found = next((item for item in ranked if item.token_id == step.token_id), None)
    return Piece(
        text=step.text,
        start=step.start,
        token=found or Ranked(step.token_id, _finite(explained.logprob_tuned)),
        ranked=ranked,
        explained={
            "token_id": step.token_id,
            "text": step.text,
            "p_base": explained.p_base,
            "p_tuned": explained.p_tuned,
            "contributions": list(explained.contributions),
            "alphas": list(step.alphas),
            "flipped": explained.flipped,
            **({} if explained.coverage is None else {"coverage": explained.coverage}),
        }
        if explain
        else None,
        given=step.forced,
    )


def _ranked(event: TokenDecoded, most: int) -> tuple[Ranked, ...]:
    logprobs = log_softmax(tuned_logits(event.step.logits, event.step.alphas))
    ids = sorted(map(int, top(logprobs[None], most)[0]), key=lambda index: -logprobs[index])
    return tuple(
        Ranked(index, float(logprobs[index])) for index in ids if math.isfinite(logprobs[index])
    )


def _finite(value: float) -> float:
    return max(value, _LEAST)


def legacy_logprobs(
    pieces: Sequence[Piece], labels: Sequence[str], head: Sequence[int] = (), offset: int = 0
) -> dict[str, Any]:
    """The log-probabilities of an answer to ``/v1/completions``.

    Args:
        pieces: Of the answer.
        labels: What to call each id, [V].
        head: Ids of a prompt before them, of which nothing is known.
        offset: Where the first piece begins in the text.
    """
    unknown = [None] * len(head)
    return {
        "tokens": [*(labels[i] for i in head), *(labels[p.token.token_id] for p in pieces)],
        "token_logprobs": [*unknown, *(piece.token.logprob for piece in pieces)],
        "top_logprobs": [*unknown, *(_by_label(piece.ranked, labels) for piece in pieces)],
        "text_offset": [*(0 for _ in head), *(offset + piece.start for piece in pieces)],
    }


def _by_label(ranked: Sequence[Ranked], labels: Sequence[str]) -> dict[str, float]:
    """Of several tokens with one label, the most probable."""
    named: dict[str, float] = {}
    for item in ranked:
        named.setdefault(labels[item.token_id], item.logprob)
    return named


def chat_logprobs(pieces: Sequence[Piece], labels: Sequence[str]) -> dict[str, Any]:
    """The log-probabilities of an answer to ``/v1/chat/completions``."""
    return {
        "content": [
            {
                **_said(piece.token, labels),
                "top_logprobs": [_said(item, labels) for item in piece.ranked],
            }
            for piece in pieces
        ],
        "refusal": None,
    }


def _said(item: Ranked, labels: Sequence[str]) -> dict[str, Any]:
    label = labels[item.token_id]
    return {"token": label, "logprob": item.logprob, "bytes": list(_spelled(label))}


def _spelled(label: str) -> bytes:
    """The bytes of a token from its label, in which ⟨E2 82⟩ is bytes inside a character."""
    inside = _BYTES.fullmatch(label)
    return bytes.fromhex(inside[1]) if inside else label.encode()
