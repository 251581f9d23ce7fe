"""A logits processor for tests, behind ours: tells what is held, and lets memory end.

``--logits-processors tests.inside_vllm.watching_processor:Watching`` and the path of a Unix socket
as ``watched`` in ``--additional-config``.
"""

from __future__ import annotations

import gc
import json
import socket
from typing import Any

import torch
from torch import Tensor
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor

from app.decoding.ensemble import Ensemble
from app.inside_vllm.pair_steps import PairRows
from app.inside_vllm.tuned_rows import TunedRows
from tests.inside_vllm.watched_server import FULL_ALONE, FULL_STEP


class Watching(LogitsProcessor):  # type: ignore[misc]  # vLLM is in an environment of its own
    """Sends a line of JSON whenever the texts change whose caches are held.

    It has the length of each prompt, and how many tokens had been generated one step before.
    Memory ends for a prompt with one of two ids: while it is read, or while the rows of its step
    are computed.
    """

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        path = vllm_config.additional_config["watched"]
        (self._tuned,) = (found for found in gc.get_objects() if isinstance(found, TunedRows))
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._generated: dict[int, int] = {}
        _let_memory_end()

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        readings = self._tuned.steps._readings
        held = {len(text.prompts[0]): len(text.output) for text in readings}
        if held.keys() != self._generated.keys():
            told = {"held": sorted(held), "generated": list(self._generated.items())}
            told["keys"] = len(self._tuned._keys)
            self._socket.sendall(json.dumps(told).encode() + b"\n")
        self._generated = held

    def apply(self, logits: Tensor) -> Tensor:
        return logits


def _let_memory_end() -> None:
    resume, shifts = Ensemble.resume, PairRows.shifts

    def failing_resume(self: Ensemble, prompts: Any, *arguments: Any) -> Any:
        if FULL_ALONE in prompts[0]:
            raise torch.OutOfMemoryError("no memory for this text")
        return resume(self, prompts, *arguments)

    def failing_shifts(self: PairRows) -> Tensor:
        if any(FULL_STEP in text.prompts[0] for text in self.texts):
            raise torch.OutOfMemoryError("no memory for this step")
        return shifts(self)

    Ensemble.resume, PairRows.shifts = failing_resume, failing_shifts  # type: ignore[method-assign]
