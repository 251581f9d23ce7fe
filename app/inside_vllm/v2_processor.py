"""Proxy-tuning as a logits processor of vLLM's V2 model runner, which needs Triton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor
from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor

from app.errors import SettingsError
from app.inside_vllm.admission_errors import as_value_error
from app.inside_vllm.alpha_arguments import check_numbers
from app.inside_vllm.pair_steps import ServedText
from app.inside_vllm.tuned_rows import TunedRows

if TYPE_CHECKING:
    from vllm.config import VllmConfig
    from vllm.sampling_params import SamplingParams
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext, LogitsProcRequestState


@dataclass(slots=True, eq=False)
class _Slot:
    """The request in a slot.

    Attributes:
        arguments: Its arguments.
        prompt: The length of its prompt.
        output: The ids that were generated.
        text: Its text, once its first row is asked for; None if every α is 0.
        begun: Whether its first row was asked for.
    """

    arguments: dict[str, object]
    prompt: int
    output: list[int]
    text: ServedText | None = None
    begun: bool = False


class ProxyTuning(LogitsProcessor):  # type: ignore[misc]  # vLLM is in an environment of its own
    """Adds the shifts of a recipe's pairs to the rows of the requests that want them.

    vLLM does not say when a request ends: its slot is absent from the next step.

    Raises:
        SettingsError: Speculative decoding is on, whose drafts have rows of their own.
    """

    def __init__(self, vllm_config: VllmConfig, req_states: LogitsProcRequestState) -> None:
        if vllm_config.speculative_config is not None:
            raise SettingsError(
                "Proxy-tuning inside vLLM cannot go with speculative decoding",
                next_step="Start vLLM without a speculative configuration.",
            )
        self._states = req_states
        self._tuned = TunedRows.from_config(
            vllm_config.additional_config, str(req_states.device), req_states.vocab_size
        )
        self._slots: dict[int, _Slot] = {}

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Refuse values of α that are no numbers, when a request is admitted."""
        with as_value_error():
            check_numbers(sampling_params.extra_args or {})

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """Take a request into its slot, whose earlier one has ended."""
        self._leave(req_idx)
        arguments: dict[str, Any] = dict(sampling_params.extra_args or {})
        if not self._tuned.changes(arguments):
            return False
        self._slots[req_idx] = _Slot(arguments, 0, [])
        return True

    def apply(self, logits: Tensor, ctx: LogitsContext) -> Tensor:
        """Tune the rows whose requests are in this step; those of all others are freed."""
        here = ctx.idx_mapping_np.tolist()
        for slot in self._slots.keys() - set(here):
            self._pause(slot)
        tokens, positions = ctx.input_ids.tolist(), ctx.pos.tolist()
        texts = {}
        for row, slot in enumerate(ctx.expanded_idx_mapping.tolist()):
            request = self._slots.get(slot)
            # A request in the middle of its prompt has a row too, from which nothing is sampled.
            if request is None or positions[row] + 1 < int(self._states.prefill_len.np[slot]):
                continue
            self._follow(slot, request, positions[row], tokens[row])
            if request.text is not None:
                texts[row] = request.text
        return self._tuned.tune(logits, texts) if texts else logits

    def _follow(self, slot: int, request: _Slot, position: int, token: int) -> None:
        """Bring the text of a request up to the token at ``position``, which the base has read."""
        known = request.prompt + len(request.output)
        if request.begun and known == position:
            request.output.append(token)
        elif not request.begun or known != position + 1:
            ids = self._states.all_token_ids.gpu[slot, : position + 1].tolist()
            request.prompt = int(self._states.prompt_len.np[slot])
            request.output = ids[request.prompt :]
            self._free(request)
            prompt = ids[: request.prompt]
            request.text = self._tuned.text(prompt, request.output, request.arguments)
            request.begun = True

    def _pause(self, slot: int) -> None:
        """Free the caches of a request, which is read again if it comes back."""
        request = self._slots[slot]
        if request.text is not None:
            self._tuned.steps.leave(request.text)

    def _leave(self, slot: int) -> None:
        if slot in self._slots:
            self._free(self._slots.pop(slot))

    def _free(self, request: _Slot) -> None:
        if request.text is not None:
            self._tuned.leave(request.text)
