"""A prompt of which every token is to be explained: where it ends and what is given begins."""

from __future__ import annotations

from collections.abc import Sequence


def split_echo(prompts: Sequence[Sequence[int]]) -> tuple[list[list[int]], tuple[int, ...]]:
    """What each evaluation reads as its prompt, and the ids after it that are the same for all.

    Each keeps at least its first token, of which nothing can be said.
    """
    most = min(map(len, prompts)) - 1
    alike = 0
    while alike < most and len({prompt[-1 - alike] for prompt in prompts}) == 1:
        alike += 1
    heads = [list(prompt[: len(prompt) - alike]) for prompt in prompts]
    return heads, tuple(prompts[0][len(prompts[0]) - alike :])
