"""What a model of another vocabulary has read: a text of base ids, and the cache of the pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.decoding.bridge.mixed_text import MixedText
from app.decoding.bridge.sorted_token_bytes import TokenBytes
from app.decoding.cache_state import CacheState


@dataclass(frozen=True, slots=True)
class BridgedState:
    """A :class:`CacheState` of a :class:`BridgedLanguageModel`.

    Attributes:
        text: The ids that were read, of the base and of the pair's own.
        held: The tokens of the pair in its cache, which may be more than those of the text.
        rows: Probabilities of the pair's next token after so many of them.
        inner: The pair's cache.
        pair: The tokens of the pair by their bytes.
        shortens: Whether the pair's cache can be shortened.
    """

    text: MixedText
    held: list[int]
    rows: dict[int, Tensor]
    inner: CacheState
    pair: TokenBytes
    shortens: bool

    @property
    def size(self) -> int:
        return self.inner.size + sum(row.nbytes for row in self.rows.values())

    @property
    def device(self) -> torch.device:
        return self.inner.device

    def reusable(self, common: int) -> int:
        return common if self.shortens or common == len(self.text.ids) else 0

    def copy(self, length: int) -> BridgedState:
        """A copy for the first ``length`` ids, without tokens that reach beyond their bytes."""
        kept = self._inside(length)
        rows = {at: row for at, row in self.rows.items() if at <= kept}
        text, held, inner = self.text.copy(length), self.held[:kept], self.inner.copy(kept)
        return BridgedState(text, held, rows, inner, self.pair, self.shortens)

    def keys_and_values(self) -> Sequence[tuple[Tensor, Tensor]] | None:
        """None: a cache in tokens of the pair is no cache in ids of the base."""
        return None

    def _inside(self, length: int) -> int:
        """How many of the pair's tokens lie inside the first ``length`` ids; at least one."""
        own, _, text = self.text.parts(length)
        kept, left = len(own), len(text)
        for each in self.held[kept:]:
            left -= len(self.pair[each])
            if left < 0:
                break
            kept += 1
        return max(min(kept, len(self.held)), 1)
