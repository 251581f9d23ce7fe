"""Proxy-tuning as a logits processor of vLLM's V1 model runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from app.inside_vllm.admission_errors import as_value_error
from app.inside_vllm.alpha_arguments import check_numbers
from app.inside_vllm.pair_steps import ServedText
from app.inside_vllm.tuned_rows import TunedRows

if TYPE_CHECKING:
    from vllm.config import VllmConfig
    from vllm.sampling_params import SamplingParams


class ProxyTuning(LogitsProcessor):  # type: ignore[misc]  # vLLM is in an environment of its own
    """Adds the shifts of a recipe's pairs to the rows of the requests that want them."""

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        rows = vllm_config.model_config.get_vocab_size()
        self._tuned = TunedRows.from_config(vllm_config.additional_config, str(device), rows)
        self._texts: dict[int, ServedText] = {}

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Refuse values of α that are no numbers, when a request is admitted."""
        with as_value_error():
            check_numbers(sampling_params.extra_args or {})

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow the requests that leave, come and change their rows, in vLLM's order."""
        self._tuned.report()
        if batch_update is None:
            return
        for row in batch_update.removed:
            self._leave(row)
        for row, params, prompt, output in batch_update.added:
            self._leave(row)
            text = self._tuned.text(prompt or [], output, params.extra_args)
            if text is not None:
                self._texts[row] = text
        for source, target, direction in batch_update.moved:
            moved, replaced = self._texts.pop(source, None), self._texts.pop(target, None)
            if moved is not None:
                self._texts[target] = moved
            if replaced is None:
                continue
            if direction is MoveDirectionality.SWAP:
                self._texts[source] = replaced
            else:
                self._tuned.leave(replaced)

    def apply(self, logits: Tensor) -> Tensor:
        return self._tuned.tune(logits, self._texts) if self._texts else logits

    def _leave(self, row: int) -> None:
        text = self._texts.pop(row, None)
        if text is not None:
            self._tuned.leave(text)
