"""Sharing an evaluation among processes started by ``accelerate launch`` or ``torchrun``."""

from __future__ import annotations

import os
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather
from torch import Tensor


class Processes:
    """The process group of this process; a group of one if it was started alone."""

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        on_cpu = not torch.accelerator.is_available()
        self._state = PartialState(cpu=on_cpu) if self.count > 1 else None
        self.rank = self._state.process_index if self._state else 0

    @property
    def device(self) -> torch.device:
        """The device of exchanged tensors."""
        return self._state.device if self._state else torch.device("cpu")

    def owns(self, index: int) -> bool:
        """Whether this process answers the question with this index."""
        return index % self.count == self.rank

    def wait(self) -> None:
        """Wait until all processes have called this method."""
        if self._state:
            self._state.wait_for_everyone()

    def gather(self, tensor: Tensor) -> Tensor:
        """The concatenated tensors of all processes."""
        return gather(tensor) if self._state else tensor

    def gather_object(self, item: Any, to: int = 0) -> list[Any] | None:
        """The items of all processes, in process ``to``; None in other processes."""
        if not self._state:
            return [item]
        given: list[Any] | None = [None] * self.count if self.rank == to else None
        torch.distributed.gather_object(item, given, dst=to)
        return given
