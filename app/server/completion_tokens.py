"""The data of one token in an API response: text, log-probabilities, attribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.attribution.row_statistics import log_softmax, top
from app.checkpoints.vocabulary.label_bytes import label_bytes
from app.decoding.tuned_logits import tuned_logits
from app.engine.events import TokenDecoded

_MIN_LOGPROB = -9999.0
"""Replaces −∞, which JSON does not have. vLLM uses the same value."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token id with its log-probability under the tuned distribution."""

    token_id: int
    logprob: float


@dataclass(frozen=True, slots=True)
class CompletionToken:
    """One token of a response.

    Attributes:
        text: The text that the token completed; empty inside a character.
        start: Start of that text in the generated text, in characters.
        token: The token id with its log-probability.
        top: The most probable tokens under the tuned distribution, in descending order.
        explained: The entry in the ``tuneshift`` extension: probabilities and contributions.
        from_prompt: Whether the token belongs to the echoed prompt.
    """

    text: str
    start: int
    token: TokenLogprob
    top: tuple[TokenLogprob, ...]
    explained: dict[str, Any] | None
    from_prompt: bool = False


def completion_token(event: TokenDecoded, most: int, *, explain: bool) -> CompletionToken:
    """Extract what a response needs of a decoded token.

    Args:
        event: The engine's event, with rows of logits if ``most`` is not 0.
        most: How many of the most probable tokens to keep.
        explain: Whether to keep probabilities and contributions.
    """
    step, explained = event.step, event.attribution
    top = _top_tokens(event, most) if most else ()
    # Take the value from ``top`` if it is there, so that both fields have exactly the same number.
    found = next((item for item in top if item.token_id == step.token_id), None)
    return CompletionToken(
        text=step.text,
        start=step.start,
        token=found or TokenLogprob(step.token_id, _finite(explained.logprob_tuned)),
        top=top,
        explained={
            "token_id": step.token_id,
            "text": step.text,
            "p_base": explained.p_base,
            "p_tuned": explained.p_tuned,
            "contributions": list(explained.contributions),
            "alphas": list(step.alphas),
            "flipped": explained.flipped,
            **({} if explained.coverage is None else {"coverage": explained.coverage}),
            **({} if explained.bounded is None else {"bounded": explained.bounded}),
        }
        if explain
        else None,
        from_prompt=step.forced,
    )


def _top_tokens(event: TokenDecoded, most: int) -> tuple[TokenLogprob, ...]:
    logprobs = log_softmax(tuned_logits(event.step.kept_logits, event.step.alphas))
    ids = sorted(map(int, top(logprobs[None], most)[0]), key=lambda index: -logprobs[index])
    return tuple(
        TokenLogprob(index, float(logprobs[index]))
        for index in ids
        if math.isfinite(logprobs[index])
    )


def _finite(value: float) -> float:
    return max(value, _MIN_LOGPROB)


def legacy_logprobs(
    tokens: Sequence[CompletionToken],
    token_labels: Sequence[str],
    unscored_ids: Sequence[int] = (),
    offset: int = 0,
) -> dict[str, Any]:
    """The ``logprobs`` object of ``/v1/completions``.

    Args:
        tokens: The tokens with log-probabilities.
        token_labels: The label of each token id, [V].
        unscored_ids: Token ids of the prompt before ``tokens``, which have no log-probabilities.
        offset: Position of the first of ``tokens`` in the text, in characters.
    """
    unknown = [None] * len(unscored_ids)
    return {
        "tokens": [
            *(token_labels[i] for i in unscored_ids),
            *(token_labels[p.token.token_id] for p in tokens),
        ],
        "token_logprobs": [*unknown, *(token.token.logprob for token in tokens)],
        "top_logprobs": [*unknown, *(_top_by_label(token.top, token_labels) for token in tokens)],
        "text_offset": [*(0 for _ in unscored_ids), *(offset + token.start for token in tokens)],
    }


def _top_by_label(top: Sequence[TokenLogprob], token_labels: Sequence[str]) -> dict[str, float]:
    """Log-probabilities by label; of several tokens with the same label, the most probable one."""
    named: dict[str, float] = {}
    for item in top:
        named.setdefault(token_labels[item.token_id], item.logprob)
    return named


def chat_logprobs(tokens: Sequence[CompletionToken], token_labels: Sequence[str]) -> dict[str, Any]:
    """The ``logprobs`` object of ``/v1/chat/completions``."""
    return {
        "content": [
            {
                **_token_entry(token.token, token_labels),
                "top_logprobs": [_token_entry(item, token_labels) for item in token.top],
            }
            for token in tokens
        ],
        "refusal": None,
    }


def _token_entry(item: TokenLogprob, token_labels: Sequence[str]) -> dict[str, Any]:
    label = token_labels[item.token_id]
    return {"token": label, "logprob": item.logprob, "bytes": list(label_bytes(label))}
