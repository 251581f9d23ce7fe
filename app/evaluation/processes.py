"""Several processes that share an evaluation, as ``accelerate launch`` starts them."""

from __future__ import annotations

import os
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather
from torch import Tensor


class Processes:
    """Which of how many processes this is; a program that was started alone is the only one."""

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        on_cpu = not torch.accelerator.is_available()
        self._state = PartialState(cpu=on_cpu) if self.count > 1 else None
        self.rank = self._state.process_index if self._state else 0

    @property
    def device(self) -> torch.device:
        """Where tensors are exchanged."""
        return self._state.device if self._state else torch.device("cpu")

    def owns(self, index: int) -> bool:
        """Whether the question with this index is for this process."""
        return index % self.count == self.rank

    def wait(self) -> None:
        """Wait until every process has come here."""
        if self._state:
            self._state.wait_for_everyone()

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of every process, one after another."""
        return gather(tensor) if self._state else tensor

    def gather_object(self, item: Any, to: int = 0) -> list[Any] | None:
        """What every process gives, in the process ``to``; None in the others."""
        if not self._state:
            return [item]
        given: list[Any] | None = [None] * self.count if self.rank == to else None
        torch.distributed.gather_object(item, given, dst=to)
        return given
