"""The pairs of a recipe, which read the texts of a server step by step. Knows nothing of vLLM."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from app.decoding.batched_ensemble import OpenBatchedEnsemble
from app.decoding.cache_state import CacheState
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.prefix_cache import SHORTEST
from app.errors import TuneshiftError
from app.inside_vllm.request_errors import log_failure, request_error

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class ServedText:
    """A text that a server generates for one request.

    Attributes:
        prompts: The token ids of the prompt for each model context of the pairs.
        output: The ids that were generated, a list that the server appends to.
        alphas: The α of each pair.
    """

    prompts: Sequence[Sequence[int]]
    output: Sequence[int]
    alphas: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PairRows:
    """What the pairs computed in a step.

    Attributes:
        texts: The texts in the order of the rows.
        logits: Raw logits of every model context after each text; None without texts.
        failed: The texts that could not be read, with the errors.
    """

    texts: Sequence[ServedText]
    logits: EnsembleLogits | None
    failed: dict[ServedText, TuneshiftError]

    def shifts(self) -> Tensor:
        """Σ α (s⁺ − s⁻) of each text, [n, V]."""
        assert self.logits is not None
        differences = self.logits.differences(slice(None))
        alphas = torch.tensor([text.alphas for text in self.texts], dtype=differences.dtype)
        return torch.einsum("np,pnv->nv", alphas.to(differences.device), differences)


@dataclass(slots=True, eq=False)
class _Reading:
    """How far a text was read.

    Attributes:
        read: How many ids of the output were read.
        logits: The logits of every model context after them.
        parked: Copies of its caches while it is not in the batch.
    """

    text: ServedText
    read: int
    logits: EnsembleLogits
    parked: list[CacheState | None] = field(default_factory=list)

    @property
    def unread(self) -> int:
        return len(self.text.output) - self.read

    def ids(self, place: int) -> list[int]:
        """What the model context at an index has read."""
        return [*self.text.prompts[place], *self.text.output[: self.read]]


class PairSteps:
    """Reads the texts of a server with the pairs, all texts of a step in one batch.

    A new text is read by itself, with what was read before of texts that begin alike; then it joins
    the batch. A text that has no new token in a step while others have is taken out of the batch
    with its caches, since a batch reads a token of every text. An error ends the reading of the
    text that it concerns; if the whole batch fails, each text is read again by itself.

    Args:
        ensemble: The models of the pairs, without a base.
        prefix_bytes: Returns the most bytes that the caches of earlier texts may take; called
            before a new text is read.
    """

    def __init__(self, ensemble: Ensemble, prefix_bytes: Callable[[], int] = lambda: 0) -> None:
        self._ensemble = ensemble
        self._prefix_bytes = prefix_bytes
        self._batch = OpenBatchedEnsemble(ensemble)
        self._rows: list[_Reading] = []  # the texts of the batch
        self._readings: dict[ServedText, _Reading] = {}

    @property
    def texts(self) -> int:
        """The number of texts whose caches are held."""
        return len(self._readings)

    @property
    def batched(self) -> int:
        """The number of texts in the batch."""
        return len(self._rows)

    @property
    def reused(self) -> int:
        """How many tokens of the text that was begun last had been read before."""
        return min(self._ensemble.reused)

    def step(self, texts: Sequence[ServedText]) -> PairRows:
        """Read what each of ``texts`` has gained, and return the rows after all of them."""
        with torch.inference_mode():
            failed: dict[ServedText, TuneshiftError] = {}
            for text in texts:
                self._leave_if_changed(text)
            known = [self._readings[text] for text in texts if text in self._readings]
            extended, rows = self._extend([item for item in known if item.unread], failed)
            held = [item for item in known if item.text in self._readings]
            alone = [item for item in held if item not in extended]
            for text in texts:
                if text not in self._readings and text not in failed:
                    self._begin(text, failed)
                    alone += filter(None, [self._readings.get(text)])
            parts = [*filter(None, [rows]), *(reading.logits for reading in alone)]
            return PairRows([item.text for item in (*extended, *alone)], _joined(parts), failed)

    def leave(self, text: ServedText, *, kept: bool = True) -> None:
        """Free the caches of a text.

        Args:
            text: The text.
            kept: Whether the prefix cache keeps what may be read again.
        """
        reading = self._readings.pop(text, None)
        if reading is None:
            return
        with torch.inference_mode():
            if kept:
                self._keep(reading)
            try:
                self._keep_rows([row for row in self._rows if row is not reading])
            except Exception as error:  # the caches may be without the text in some layers only
                log_failure(log, "a text cannot leave the others; they are read again", error)
                self._forget(self._rows)

    def _leave_if_changed(self, text: ServedText) -> None:
        """Let a text leave that has not gained at most one token; it is begun anew."""
        reading = self._readings.get(text)
        if reading is not None and reading.unread not in (0, 1):
            self.leave(text)

    def _extend(
        self, gaining: list[_Reading], failed: dict[ServedText, TuneshiftError]
    ) -> tuple[list[_Reading], EnsembleLogits | None]:
        """Read the new token of each text in one batch, if any has one."""
        if not gaining:
            return [], None
        try:
            self._park([reading for reading in self._rows if reading not in gaining])
            for reading in gaining:
                if reading.parked:
                    self._join_parked(reading)
            return self._read_tokens(failed)
        except Exception as error:  # the caches may have been extended in some layers only
            log_failure(log, "a step of the pairs failed; its texts are read again", error)
            self._forget([*self._rows, *gaining])
            return [], None

    def _read_tokens(
        self, failed: dict[ServedText, TuneshiftError]
    ) -> tuple[list[_Reading], EnsembleLogits]:
        """Read the next token of every text of the batch."""
        tokens = torch.tensor([[row.text.output[row.read]] for row in self._rows])
        logits = self._batch.extend(tokens)
        unusable = self._batch.unusable(logits)
        for place, reading in enumerate(self._rows):
            reading.read += 1
            reading.logits = _part(logits, [place])
        if not unusable:
            return list(self._rows), logits
        kept = [place for place in range(len(self._rows)) if place not in unusable]
        extended = [self._rows[place] for place in kept]
        for place, error in unusable.items():
            failed[self._rows[place].text] = error
            del self._readings[self._rows[place].text]
        self._keep_rows(extended)
        return extended, _part(logits, kept)

    def _begin(self, text: ServedText, failed: dict[ServedText, TuneshiftError]) -> None:
        """Read a new text by itself and let it join the batch."""
        ensemble = self._ensemble
        try:
            ensemble.prefixes.limit = self._prefix_bytes()
            logits = ensemble.resume(text.prompts, list(text.output))
            self._batch.join()
        except Exception as error:
            if not isinstance(error, TuneshiftError):
                log_failure(log, "a text could not be read", error)
            failed[text] = request_error(error)
            ensemble.clear_caches()
            return
        reading = _Reading(text, len(text.output), logits)
        self._readings[text] = reading
        self._rows.append(reading)

    def _park(self, readings: list[_Reading]) -> None:
        """Take texts out of the batch with copies of their caches."""
        for reading in readings:
            reading.parked = self._batch.states(self._rows.index(reading))
        self._keep_rows([row for row in self._rows if row not in readings])

    def _join_parked(self, reading: _Reading) -> None:
        texts = [reading.ids(place) for place in range(self._batch.contexts)]
        self._batch.join_states(texts, reading.parked)
        reading.parked = []
        self._rows.append(reading)

    def _keep_rows(self, readings: list[_Reading]) -> None:
        """Remove all others from the batch."""
        if len(readings) < len(self._rows):
            self._batch.keep([self._rows.index(reading) for reading in readings])
            self._rows = readings

    def _forget(self, readings: list[_Reading]) -> None:
        """Drop the batch, some readings and everything else that can be read again.

        Args:
            readings: All of the batch, and those that should have joined it.
        """
        for reading in readings:
            self._readings.pop(reading.text, None)
        self._keep_rows([])
        self._ensemble.clear_caches()
        self._ensemble.prefixes.clear()

    def _keep(self, reading: _Reading) -> None:
        """Keep what was read of a text that leaves, since it may come back or have a successor."""
        prefixes = self._ensemble.prefixes
        longest = max(len(reading.ids(place)) for place in range(self._batch.contexts))
        if not prefixes.limit or longest < SHORTEST:
            return
        try:
            states = reading.parked or self._batch.states(self._rows.index(reading))
            contexts = zip(self._ensemble.contexts, states, strict=True)
            for place, (context, state) in enumerate(contexts):
                if state is not None:
                    prefixes.keep(context, reading.ids(place), state)
        except Exception as error:  # what is not kept is read again
            log_failure(log, "a text cannot be kept for later requests", error)


def _part(logits: EnsembleLogits, places: list[int]) -> EnsembleLogits:
    """The rows at some positions."""
    return EnsembleLogits(logits.rows[:, places], logits.pairs, logits.masked)


def _joined(parts: list[EnsembleLogits]) -> EnsembleLogits | None:
    if len(parts) <= 1:
        return parts[0] if parts else None
    rows = torch.cat([part.rows for part in parts], dim=1)
    return EnsembleLogits(rows, parts[0].pairs, parts[0].masked)
