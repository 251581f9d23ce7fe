"""Language models whose logits are looked up in a table: exact in blocks of any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from app.errors import ModelError

VOCABULARY = 14
_ROWS = 23


class TableModel:
    """Logits after a text are a row of ``table``, chosen by its last two tokens.

    Attributes:
        tokens: What it holds.
        reads: The size of every block that was read.
    """

    def __init__(
        self, table: Tensor, context_length: int | None = None, *, can_rewind: bool = True
    ) -> None:
        self.table = table
        self.context_length = context_length
        self.vocabulary_size = table.shape[1]
        self.can_rewind = can_rewind
        self.tokens: list[int] = []
        self.reads: list[int] = []

    @property
    def length(self) -> int:
        return len(self.tokens)

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        assert self.context_length is None or self.length + len(tokens) <= self.context_length
        self.tokens += tokens.tolist()
        self.reads.append(len(tokens))
        places = range(self.length - last + 1, self.length + 1)
        return torch.stack([self.table[row_of(self.tokens[:place])] for place in places])

    def rewind(self, length: int) -> None:
        assert 0 <= length <= self.length
        if not self.can_rewind and length not in (0, self.length):
            raise ModelError("This model cannot go back to an earlier token")
        del self.tokens[length:]


def row_of(tokens: Sequence[int]) -> int:
    """The row of the table that a text leads to."""
    return (7 * tokens[-1] + 3 * sum(tokens[-2:-1]) + 1) % _ROWS


def tables(count: int, seed: int, apart: float = 0.7) -> list[Tensor]:
    """Tables that differ from a common one by ``apart``, in logits."""
    generator = torch.Generator().manual_seed(seed)
    common = 1.5 * torch.randn(_ROWS, VOCABULARY, generator=generator)
    return [
        common + apart * torch.randn(_ROWS, VOCABULARY, generator=generator) for _ in range(count)
    ]


class WorkClock:
    """A clock that is moved by the work of models alone.

    Args:
        models: Whose work.
        calls: Seconds that each takes for every call.
        tokens: Seconds that each takes for every token besides.
    """

    def __init__(
        self, models: Sequence[TableModel], calls: Sequence[float], tokens: float = 0.0
    ) -> None:
        self._models = models
        self._calls = calls
        self._tokens = tokens

    def __call__(self) -> float:
        return sum(
            calls * len(model.reads) + self._tokens * sum(model.reads)
            for model, calls in zip(self._models, self._calls, strict=True)
        )
