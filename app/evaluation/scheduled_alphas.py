"""A tuned distribution whose alphas follow a policy, for texts in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.decoding.alpha_policy import AlphaPolicy
from app.decoding.alpha_schedule import AlphaSchedule
from app.decoding.ensemble import EnsembleLogits


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledAlphas:
    """The distribution.

    Attributes:
        alphas: The alpha of each pair, which the policy scales.
        begin: Makes the schedule of a text from its prompt for each model context.
    """

    alphas: tuple[float, ...]
    begin: Callable[[Sequence[Sequence[int]]], AlphaSchedule]

    def row(
        self, logits: EnsembleLogits, position: int, schedule: AlphaSchedule, index: int
    ) -> Tensor:
        """The tuned row, [V], of token ``index`` of a text, whose rows are at ``position``."""
        alphas = schedule.scaled(self.alphas, index, lambda: logits.on_host(position, copied=False))
        return logits.combined(position, alphas)

    def score(
        self,
        logits: EnsembleLogits,
        schedules: Sequence[AlphaSchedule],
        first: int,
        tokens: Sequence[Sequence[int]],
    ) -> tuple[Tensor, Tensor]:
        """Score a block of given tokens of each text, in order.

        Args:
            logits: The rows of the block, text by text, [C, B · k, V].
            schedules: The schedule of each text, which has followed it up to the block.
            first: The index of the first token of the block in each text.
            tokens: The tokens of the block, [B, at most k]; a text may have ended before.

        Returns:
            The log-probability of each token, float64, and whether it is the argmax, [B · k] each.
        """
        count = logits.rows.shape[1]
        logprobs = torch.zeros(count, dtype=torch.float64)
        best = torch.ones(count, dtype=torch.bool)
        size = count // len(schedules)
        for text, (schedule, own) in enumerate(zip(schedules, tokens, strict=True)):
            for column, token in enumerate(own):
                position = text * size + column
                row = self.row(logits, position, schedule, first + column)
                logprobs[position] = float(row[token].double() - row.logsumexp(0).double())
                best[position] = int(row.argmax()) == token
                schedule.push(token)
        return logprobs, best


def scheduled_alphas(
    loaded: LoadedRecipe, alphas: tuple[float, ...], policy: AlphaPolicy
) -> ScheduledAlphas:
    """The distribution of a loaded recipe with a policy."""

    def begin(prompts: Sequence[Sequence[int]]) -> AlphaSchedule:
        thinking = loaded.thinking(prompts, None)
        return AlphaSchedule(policy, thinking, loaded.detokenizer(prompts[0]))

    return ScheduledAlphas(alphas, begin)
