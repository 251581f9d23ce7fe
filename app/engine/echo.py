"""Splits a prompt whose tokens are to be scored into prefill and given tokens."""

from __future__ import annotations

from collections.abc import Sequence


def split_echo(prompts: Sequence[Sequence[int]]) -> tuple[list[list[int]], tuple[int, ...]]:
    """The ids that each model context prefills, and the ids after them that are scored.

    The scored ids are the longest suffix that all prompts have in common. Each prompt keeps at
    least its first token, for which there is no prediction.
    """
    most = min(map(len, prompts)) - 1
    alike = 0
    while alike < most and len({prompt[-1 - alike] for prompt in prompts}) == 1:
        alike += 1
    heads = [list(prompt[: len(prompt) - alike]) for prompt in prompts]
    return heads, tuple(prompts[0][len(prompts[0]) - alike :])
