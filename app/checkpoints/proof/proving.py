"""The proof of a loaded model: its logits compared with those of plain forward passes.

A fixed text is read in every way in which the program reads texts (``proof_readings``). If a
reading differs by more than the dtype allows, shortcuts are given up until all readings agree. A
model whose plain forward passes differ from each other is refused.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.checkpoints.devices import is_out_of_memory
from app.checkpoints.engine_options import TRANSFORMERS
from app.checkpoints.proof.logit_difference import difference
from app.checkpoints.proof.proof_bounds import limit_of, widened
from app.checkpoints.proof.proof_readings import READINGS, Read, Rows
from app.checkpoints.proof.proof_report import (
    Compared,
    Difference,
    Proof,
    Reading,
    Shortcut,
    figure,
)
from app.checkpoints.proof.reference import Reference
from app.decoding.language_model import LanguageModel
from app.errors import Cancelled, ModelError, kind_and_places

SECONDS = 5.0
"""Time limit of the readings; after it only those in ``_ALWAYS`` are still compared."""
SLOW = 1.0
"""If the reference forward pass takes longer, one prefix is recomputed instead of three."""
TOO_SLOW = 20.0
"""If the reference forward pass takes longer, the model is not proved."""
_ALWAYS = (Reading.TOKENS, Reading.CHUNKS)

GivenUp = frozenset[Shortcut]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The model to be proved.

    Attributes:
        name: Name of the role, for messages.
        reference: Its plain forward passes, without any shortcut.
        shortcuts: The shortcuts in use, in the order in which they are given up.
        read: Makes a language model that does without the given shortcuts.
        bound: The largest difference that the dtype allows.
        engine: What computes it.
    """

    name: str
    reference: Reference
    shortcuts: Sequence[Shortcut]
    read: Callable[[GivenUp], LanguageModel]
    bound: Difference
    engine: str = TRANSFORMERS


@torch.inference_mode()
def prove(
    subject: Subject,
    ids: Sequence[int],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.perf_counter,
) -> Proof:
    """Compare every reading with plain forward passes, and give up shortcuts until all agree.

    Args:
        subject: The model.
        ids: The token ids of the text that is read.
        on_progress: Called with the number of readings done and their total.
        cancelled: Called before each block.
        clock: Returns seconds.

    Raises:
        ModelError: The logits of the model are not finite or not reproducible.
        Cancelled: ``cancelled`` returned true.
    """
    started = clock()
    text = torch.tensor(ids)
    reference = _reference(subject, text)
    if (seconds := clock() - started) > TOO_SLOW:
        return Proof(not_proved=f"one forward pass takes {seconds:.0f} s", seconds=seconds)
    comparison = _Comparison(text, reference, cancelled)
    plain = _compare_plain(subject, comparison, slow=seconds > SLOW)
    plain_done = clock()
    trial = _Trial(
        subject,
        comparison,
        widened(subject.bound, plain.difference),
        on_progress,
        lambda: clock() - plain_done > SECONDS,
    )
    given_up, agreeing, faults = _give_up_until_agreeing(subject, trial)
    return Proof(
        compared=(plain, *agreeing),
        bound=trial.bound,
        given_up=tuple(shortcut for shortcut in Shortcut if shortcut in given_up),
        faults=tuple(faults),
        skipped=trial.skipped if Shortcut.CACHE not in given_up else (),
        seconds=clock() - started,
    )


def _reference(subject: Subject, text: Tensor) -> Tensor:
    """Logits of one plain forward pass, [n, V], on the host.

    Raises:
        ModelError: The forward pass fails, or its logits are not finite.
    """
    try:
        rows = subject.reference.rows(text)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"{subject.engine} cannot compute the {subject.name}", evidence=_first_line(error)
        ) from error
    # the maximum of a row is NaN if any of its logits is
    unusable = int(torch.isfinite(rows.amax(-1)).logical_not().sum())
    if unusable:
        raise ModelError(
            f"The {subject.name} computed logits that are not numbers",
            evidence=f"{unusable} of {len(rows)} rows of a plain forward pass",
            next_step="Try float32, or check that the checkpoint is intact.",
        )
    return rows


def _compare_plain(subject: Subject, comparison: _Comparison, *, slow: bool) -> Compared:
    """Compare plain forward passes of prefixes with that of the whole text.

    Raises:
        ModelError: They differ by more than ``limit_of`` the bound.
    """
    model = subject.reference.model()
    read = _read_half if slow else _read_prefixes
    compared = comparison.compare(Reading.UNCACHED, read, model)
    assert compared is not None
    if not compared.difference.within(limit_of(subject.bound)):
        largest, divergence = compared.difference.largest, compared.difference.divergence
        raise ModelError(
            f"The {subject.name} does not compute the same logits twice",
            evidence=compared.error
            or f"plain forward passes differ by {figure(largest)} in log-probability, "
            f"{figure(divergence)} nats",
            next_step="Try float32 and no quantization, or check that the checkpoint is intact.",
        )
    return compared


def _read_prefixes(model: LanguageModel, text: Tensor) -> Rows:
    """Three prefixes of the text; the model has no cache, so each is a forward pass of its own."""
    for length in (len(text) // 4, len(text) // 2, len(text) - 1):
        yield length - 1, model.extend(text[model.length : length])


def _read_half(model: LanguageModel, text: Tensor) -> Rows:
    """The first half of the text, in one forward pass."""
    half = len(text) // 2
    yield half - 1, model.extend(text[:half])


def _give_up_until_agreeing(
    subject: Subject, trial: _Trial
) -> tuple[GivenUp, list[Compared], list[Compared]]:
    """Give up shortcuts until all readings agree.

    Returns:
        The shortcuts given up, the readings without them, and the readings that were beyond the
        bound. If nothing else helps, all shortcuts are given up and nothing is left to compare.
    """
    agreeing, fault = trial.compare(frozenset())
    if fault is None:
        return frozenset(), agreeing, []
    faults = [fault]
    for given_up in _choices(subject.shortcuts, fault):
        agreeing, fault = trial.compare(given_up)
        if fault and fault.reading is Reading.BATCH and Shortcut.PADDING in subject.shortcuts:
            faults.append(fault)
            given_up |= {Shortcut.PADDING}
            agreeing, fault = trial.compare(given_up)
        if fault is None:
            return given_up, agreeing, faults
    return frozenset(subject.shortcuts), [], faults[:1]


def _choices(shortcuts: Sequence[Shortcut], fault: Compared) -> Iterator[GivenUp]:
    """The sets of shortcuts to try without: each shortcut alone, then growing sets of them."""
    if fault.reading is Reading.BATCH and Shortcut.PADDING in shortcuts:
        yield frozenset({Shortcut.PADDING})
    others = [each for each in shortcuts if each not in (Shortcut.PADDING, Shortcut.CACHE)]
    yield from (frozenset({shortcut}) for shortcut in others)
    yield from (frozenset(others[:count]) for count in range(2, len(others) + 1))


class _Comparison:
    """Compares readings of a text with its logits by a plain forward pass."""

    def __init__(self, text: Tensor, reference: Tensor, cancelled: Callable[[], bool]) -> None:
        self._text = text
        self._reference = reference
        self._cancelled = cancelled

    def compare(self, reading: Reading, read: Read, model: LanguageModel) -> Compared | None:
        """The difference of a reading, or None if the model does not support that reading."""
        divergence, largest, count = 0.0, 0.0, 0
        try:
            model.rewind(0)
            for first, rows in read(model, self._text):
                if self._cancelled():
                    raise Cancelled
                block = difference(rows, self._reference[first : first + len(rows)])
                divergence += block.divergence * len(rows)
                largest = max(largest, block.largest)
                count += len(rows)
        except Cancelled:
            raise
        except Exception as error:  # models raise exceptions of any kind
            if is_out_of_memory(error):
                raise
            log.info("reading %s failed\n%s", reading, kind_and_places(error))
            return Compared(reading, Difference(math.inf, math.inf), _first_line(error))
        return Compared(reading, Difference(divergence / count, largest)) if count else None


class _Trial:
    """Compares all readings of one model, with and without some of its shortcuts.

    Attributes:
        bound: The largest difference that is accepted.
        skipped: The readings that the last comparison left out, because time was up.
    """

    def __init__(
        self,
        subject: Subject,
        comparison: _Comparison,
        bound: Difference,
        on_progress: Callable[[int, int], None],
        time_is_up: Callable[[], bool],
    ) -> None:
        self.bound = bound
        self.skipped: tuple[Reading, ...] = ()
        self._subject = subject
        self._comparison = comparison
        self._on_progress = on_progress
        self._time_is_up = time_is_up
        self._needed = set(_ALWAYS)

    def compare(self, given_up: GivenUp) -> tuple[list[Compared], Compared | None]:
        """Compare the readings without the given shortcuts, up to the first beyond the bound.

        A reading that was beyond the bound once is compared every time, even if time is up.

        Returns:
            The readings within the bound, and the one that is not, if any.
        """
        model = self._subject.read(given_up)
        agreeing, skipped = list[Compared](), list[Reading]()
        for done, (reading, read) in enumerate(READINGS.items()):
            self._on_progress(done, len(READINGS))
            if reading is Reading.STEP and Shortcut.CAPTURE not in self._subject.shortcuts:
                continue
            if reading not in self._needed and self._time_is_up():
                skipped.append(reading)
                continue
            compared = self._comparison.compare(reading, read, model)
            if compared is not None and not compared.difference.within(self.bound):
                self._needed.add(reading)
                return agreeing, compared
            if compared is not None:
                agreeing.append(compared)
        self._on_progress(len(READINGS), len(READINGS))
        self.skipped = tuple(skipped)
        return agreeing, None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
