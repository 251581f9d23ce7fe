"""Tuned rows of logits in place of the base's, for the requests of a step of vLLM."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from app.checkpoints.devices import free_bytes, is_out_of_memory
from app.checkpoints.loading.loaded_pairs import LoadedPairs
from app.errors import DeviceError, ModelError, SettingsError, TuneshiftError
from app.inside_vllm.additional_config import prefix_bytes_of, recipe_of
from app.inside_vllm.alpha_arguments import read_alphas, wants_contributions
from app.inside_vllm.pair_loading import load_beside
from app.inside_vllm.pair_steps import PairRows, PairSteps, ServedText
from app.inside_vllm.report_folder import REPORT
from app.inside_vllm.report_sender import ReportSender
from app.inside_vllm.request_errors import log_failure, request_error
from app.inside_vllm.token_records import TokenRecords

log = logging.getLogger(__name__)

_NO_TOKEN = ModelError(
    "The models leave no token to sample",
    next_step="Check that the checkpoints are intact, and what the request forbids.",
)
_NO_MEMORY = DeviceError(
    "The memory of a device was not enough for this step", next_step="Send fewer requests at once."
)


class TunedRows:
    """The pairs of a recipe, which add their shifts to the base's rows.

    Args:
        pairs: The loaded pairs.
        prefix_bytes: The most bytes that the caches of earlier texts may take on each device.
        eos_ids: The ids that end a text, for a text that cannot be read.
    """

    def __init__(
        self, pairs: LoadedPairs, prefix_bytes: int, eos_ids: Sequence[int] = (0,)
    ) -> None:
        self._pairs = pairs
        self._prefix_bytes = prefix_bytes
        self._eos_ids = list(eos_ids)
        self.steps = PairSteps(pairs.ensemble, self._bytes_for_prefixes)
        tokenizer = pairs.base.tokenizer.backend_tokenizer
        self._records = TokenRecords(pairs.ensemble, tokenizer)
        self._reports = ReportSender()
        self._keys: dict[ServedText, object] = {}

    @classmethod
    def from_config(cls, additional: Any, device: str, rows: int) -> TunedRows:
        """The pairs of the recipe that vLLM's ``additional_config`` names.

        Raises:
            TuneshiftError: The recipe is not valid, or its pairs cannot be loaded.
        """
        try:
            pairs = load_beside(recipe_of(additional), device, rows)
        except TuneshiftError as error:
            log.error("vLLM cannot start with this recipe: %s", error)  # before vLLM's traceback
            raise
        eos = pairs.base.tokenizer.eos_token_id
        ends = (eos,) if isinstance(eos, int) else (0,)
        return cls(pairs, prefix_bytes_of(additional), ends)

    def changes(self, arguments: Mapping[str, object] | None) -> bool:
        """Whether a request with these arguments is tuned; so are those that are not valid."""
        try:
            return any(read_alphas(arguments, self._pairs.recipe))
        except SettingsError:
            return True

    def text(
        self,
        prompt: Sequence[int],
        output: Sequence[int],
        arguments: Mapping[str, object] | None,
    ) -> ServedText | None:
        """The text of a request; None if every α is 0, so that the base alone is asked.

        A request that asks for contributions has a text in any case. One that cannot be read has a
        text without prompts, and ends at its first token.
        """
        key = (arguments or {}).get(REPORT)
        try:
            alphas = read_alphas(arguments, self._pairs.recipe)
            recorded = wants_contributions(arguments)
            if not any(alphas) and not recorded:
                return None
            self._reports.send_begun(key)
            text = ServedText(self._pairs.prompts(prompt), output, alphas)
            if recorded:
                self._records.begin(text, prompt)
        except Exception as error:  # an error that were raised would end the engine
            log_failure(log, "a request cannot be read", error)
            self._reports.send_error(key, str(request_error(error)))
            return ServedText((), output, ())
        self._keys[text] = key
        return text

    def report(self) -> None:
        """Send the records of the tokens that were sampled since the last step."""
        for text in self._records.texts():
            try:
                record = self._records.known(text)
            except Exception as error:
                self._end(text, error)
                continue
            if record is not None:
                self._reports.send_token(self._keys[text], record)

    def _end(self, text: ServedText, error: Exception) -> None:
        """Let a request end at its next token, and never read its text again."""
        log_failure(log, "a request ends", error)
        self._reports.send_error(self._keys.get(text), str(request_error(error)))
        self._records.leave(text)
        self._free(text, kept=False)
        text.prompts = ()

    def _free(self, text: ServedText, *, kept: bool) -> None:
        try:
            self.steps.leave(text, kept=kept)
        except Exception as error:  # an error that were raised would end the engine
            log_failure(log, "the caches of a text cannot be freed", error)

    def leave(self, text: ServedText) -> None:
        """Free what is held of a text."""
        self._records.leave(text)
        self._keys.pop(text, None)
        self._free(text, kept=True)

    def tune(self, logits: Tensor, rows: Mapping[int, ServedText]) -> Tensor:
        """Turn the base's logits of some rows into tuned ones, in place.

        A request whose pairs cannot go on ends at its next token; if something fails while the rows
        are computed, such as memory that ends, all requests of the step do. An error that were
        raised would end the engine.

        Args:
            logits: [n, V], float32.
            rows: The texts of the rows by their index.
        """
        try:
            ended = self._add_shifts(logits, rows)
        except Exception as error:
            log_failure(log, "the requests of a step end", error)
            told = _NO_MEMORY if is_out_of_memory(error) else request_error(error)
            self._pairs.ensemble.prefixes.clear()
            ended = list(rows)
            for text in rows.values():
                self._end(text, told)
        for row in ended:
            logits[row] = -torch.inf
            logits[row, self._eos_ids] = 0.0
        return logits

    def _add_shifts(self, logits: Tensor, rows: Mapping[int, ServedText]) -> list[int]:
        """Add the shifts to the rows of a step; returns the rows of the texts that end."""
        places = {text: row for row, text in rows.items()}
        found = self.steps.step([text for text in places if text.prompts])
        for text, error in found.failed.items():
            self._end(text, error)
        ended = [row for row, text in rows.items() if not text.prompts]
        if found.logits is not None and found.texts:
            self._keep_rows(logits, places, found)
            index = torch.tensor([places[text] for text in found.texts], device=logits.device)
            logits.index_add_(0, index, found.shifts().to(logits))
            tuned = logits[index]
            if (masked := found.logits.masked) is not None:
                tuned = logits[index] = tuned.masked_fill(masked.to(logits.device), -torch.inf)
            for place in (~tuned.amax(1).isfinite()).nonzero()[:, 0].tolist():  # NaN is the maximum
                text = found.texts[place]
                self._end(text, _NO_TOKEN)
                ended.append(places[text])
        return ended

    def _keep_rows(self, logits: Tensor, places: Mapping[ServedText, int], found: PairRows) -> None:
        """Keep the rows of the texts whose tokens are recorded."""
        assert found.logits is not None
        for place, text in enumerate(found.texts):
            if text not in self._records:
                continue
            base = logits[places[text]]
            if found.logits.masked is not None:
                base = base.masked_fill(found.logits.masked.to(base.device), -torch.inf)
            self._records.keep(text, base, found.logits.rows[:, place])

    def _bytes_for_prefixes(self) -> int:
        """At most half of the memory that would be free without them."""
        held = self._pairs.ensemble.prefixes.size_on()
        devices = {role.device for role in self._pairs.roles}
        free = (free_bytes(device) + held.get(device, 0) for device in devices)
        return min([self._prefix_bytes, *(size // 2 for size in free)])
