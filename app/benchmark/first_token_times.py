"""Time to the first token by the length of the text, read anew and continued."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from app.benchmark.conversation_times import first_token
from app.benchmark.setup import Setup

_NEW = 16
"""Tokens at the end of a continued text that were not read before; half of a shorter text."""


@dataclass(frozen=True, slots=True)
class FirstTokenTime:
    """Median seconds to the first token after a text.

    Attributes:
        size: The number of tokens of the text.
        new: The number of tokens at its end that were not read before.
        fresh: Seconds if everything is read anew.
        continued: Seconds if only the new tokens are read.
    """

    size: int
    new: int
    fresh: float
    continued: float


def time_first_token(
    setup: Setup, size: int, repeats: int, on_progress: Callable[[str], None] = lambda what: None
) -> FirstTokenTime:
    """Time the first token after a text of ``size`` tokens, after one round to warm up.

    Args:
        setup: The models; the text repeats their prompt.
        size: The number of tokens of the text.
        repeats: How often each time is measured.
        on_progress: Called with a description of each round.
    """
    prompt = list(setup.prompts[0])
    text = (prompt * (size // len(prompt) + 1))[:size]
    new = min(_NEW, max(size // 2, 1))
    fresh, continued = [], []
    for repeat in range(repeats + 1):
        on_progress(f"first token after {size:,} tokens, {repeat} of {repeats}")
        fresh.append(first_token(setup, text, fresh=True))
        if size > new:
            first_token(setup, text[:-new], fresh=True)
        continued.append(first_token(setup, text))
    return FirstTokenTime(size, new, median(fresh[1:]), median(continued[1:]))
