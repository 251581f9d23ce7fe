"""Time to the first token of the last turn of a conversation, with and without what was read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

from app.benchmark.setup import Setup
from app.benchmark.ways import synchronize
from app.decoding.decode import decode
from app.decoding.ensemble import Ensemble

_PART = 32
"""Tokens of each message and of each answer, if the context of the models allows."""
_COMPARISONS = 5
"""How often the continued conversation and the message alone are timed for each reading anew."""
_KEPT_BYTES = 1 << 36


@dataclass(frozen=True, slots=True)
class ConversationTimes:
    """Median seconds to the first token at the last turn of a conversation.

    Attributes:
        turns: The number of turns.
        before: The number of tokens of all earlier turns.
        new: The number of tokens of the last message.
        anew: Seconds if everything is read anew.
        continued: Seconds if the earlier turns need not be read.
        alone: Seconds for the last message as a prompt of its own.
        ratio: Median of ``continued`` divided by ``alone`` in the same repeat.
    """

    turns: int
    before: int
    new: int
    anew: float
    continued: float
    alone: float
    ratio: float


def measure_conversation(
    setup: Setup, turns: int, repeats: int, on_progress: Callable[[str], None] = lambda what: None
) -> ConversationTimes:
    """Hold a conversation and time the first token of its last answer in the three ways.

    Messages repeat the prompt; answers are generated.

    Args:
        setup: The models.
        turns: The number of turns.
        repeats: How often everything is read anew; the other two ways are timed more often.
        on_progress: Called with a description of each turn.
    """
    part = _part(setup, turns)
    source = list(setup.prompts[0]) * (turns * part // len(setup.prompts[0]) + 1)
    messages = [source[turn * part : (turn + 1) * part] for turn in range(turns)]
    text: list[int] = []
    for turn, message in enumerate(messages[:-1], 1):
        on_progress(f"conversation, turn {turn} of {turns}")
        text += message
        text += _answer(setup, text, part)
    whole = [*text, *messages[-1]]
    anew: list[float] = []
    compared: list[tuple[float, float]] = []
    with _keeping_texts(setup.ensemble):
        for repeat in range(repeats + 1):
            on_progress(f"conversation, first token {repeat} of {repeats}")
            setup.ensemble.prefixes.clear()
            anew.append(first_token(setup, whole, fresh=True))
            for _ in range(_COMPARISONS):
                first_token(setup, text)  # leaves the earlier turns in the KV caches, no more
                continued = first_token(setup, whole)
                compared.append((continued, first_token(setup, messages[-1], fresh=True)))
    del anew[0], compared[:_COMPARISONS]  # which warmed up
    return ConversationTimes(
        turns=turns,
        before=len(text),
        new=len(messages[-1]),
        anew=median(anew),
        continued=median(continued for continued, _ in compared),
        alone=median(alone for _, alone in compared),
        ratio=median(continued / alone for continued, alone in compared),
    )


@contextmanager
def _keeping_texts(ensemble: Ensemble) -> Iterator[None]:
    """Keep the long text while short ones are read, so that it need not be read each time."""
    ensemble.prefixes.limit = _KEPT_BYTES
    try:
        yield
    finally:
        ensemble.prefixes.limit = 0


def _part(setup: Setup, turns: int) -> int:
    limits = [model.context_length for model in setup.ensemble.models]
    shortest = min((limit for limit in limits if limit is not None), default=None)
    return _PART if shortest is None else max(1, min(_PART, shortest // (2 * turns)))


def first_token(setup: Setup, text: Sequence[int], *, fresh: bool = False) -> float:
    """Seconds to the first token of all roles after ``text``."""
    synchronize(setup.device)
    started = time.perf_counter()
    _answer(setup, text, 1, fresh=fresh)
    synchronize(setup.device)
    return time.perf_counter() - started


def _answer(setup: Setup, text: Sequence[int], tokens: int, *, fresh: bool = False) -> list[int]:
    """The ids of an answer of all roles to ``text``."""
    steps = decode(
        setup.ensemble,
        [text] * len(setup.ensemble.names),
        replace(setup.config, max_new_tokens=tokens),
        detokenizer=setup.detokenizer(),
        eos_ids=(),
        alphas=lambda: setup.alphas,
        fresh=fresh,
    )
    return [step.token_id for step in steps]
