"""The loop that decodes a batch: in a step every model reads the last token of every text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Generic, Protocol, TypeVar

import torch

from app.decoding.batched_ensemble import BatchedEnsemble
from app.decoding.ensemble import EnsembleLogits


class BatchText(Protocol):
    """A text of a batch."""

    @property
    def token_id(self) -> int:
        """The last token that was sampled, which the models have not read."""
        ...

    @property
    def ended(self) -> bool:
        """Whether it leaves the batch."""
        ...


T = TypeVar("T", bound=BatchText)


class BatchLoop(Generic[T]):
    """Texts that are decoded side by side, and that join and leave between two steps.

    Args:
        ensemble: The models.
        sample: Samples the next token of each text from the rows at its place, whose columns are
            [C, V] for C model contexts, and decides whether the text has ended.

    Attributes:
        ensemble: The same.
        texts: The texts of the batch, in the order of its rows.
    """

    def __init__(
        self, ensemble: BatchedEnsemble, sample: Callable[[EnsembleLogits, Sequence[T]], None]
    ) -> None:
        self.ensemble = ensemble
        self.texts: list[T] = []
        self._sample = sample

    def begin(
        self,
        texts: Sequence[T],
        prompts: Sequence[Sequence[Sequence[int]]],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[T]:
        """Begin a batch: read the prompts together and sample the first token of each text.

        Args:
            texts: The texts.
            prompts: The token ids of each text's prompt, for each model context.
            cancelled: Called before each prefill chunk.

        Returns:
            The texts that have ended, which are not in the batch any more.

        Raises:
            Cancelled: ``cancelled`` returned True.
        """
        self.texts = list(texts)
        return self._sampled(self.ensemble.prefill(prompts, cancelled))

    def add(self, text: T) -> None:
        """Add a text that has joined the batch of the ensemble, up to its last token."""
        self.texts.append(text)

    def step(self) -> list[T]:
        """Read the last token of every text and sample the next; returns the texts that ended."""
        tokens = torch.tensor([[text.token_id] for text in self.texts])
        return self._sampled(self.ensemble.extend(tokens))

    def remove(self, gone: Collection[T]) -> None:
        """Remove texts from the batch."""
        kept = [row for row, text in enumerate(self.texts) if text not in gone]
        if len(kept) < len(self.texts):
            self.ensemble.keep(kept)
            self.texts = [self.texts[row] for row in kept]

    def _sampled(self, logits: EnsembleLogits) -> list[T]:
        self._sample(logits, self.texts)
        ended = [text for text in self.texts if text.ended]
        self.remove(ended)
        return ended
