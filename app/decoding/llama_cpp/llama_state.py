"""The cache of one text of llama.cpp apart from its context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LlamaState:
    """The KV cache or recurrent state of one text, on the host.

    Its bytes never change, so that copies share them; tokens beyond ``length`` are dropped as it
    is put back.

    Attributes:
        data: The state as the library wrote it.
        length: Number of tokens.
        held: Number of tokens of ``data``.
        shortens: Whether it can be shortened.
        ids: The tokens of ``data`` where layers have a sliding window, and ``data`` is that of a
            whole context: the state of a text alone lacks what the window has left behind.
    """

    data: NDArray[np.uint8]
    length: int
    held: int
    shortens: bool
    ids: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether ``data`` is that of a whole context."""
        return bool(self.ids)

    @property
    def size(self) -> int:
        return self.data.nbytes

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def reusable(self, common: int) -> int:
        return common if self.shortens or common == self.length else 0

    def copy(self, length: int) -> LlamaState:
        return LlamaState(self.data, length, self.held, self.shortens, self.ids)

    def keys_and_values(self) -> None:
        return None
