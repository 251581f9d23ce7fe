"""Proving a loaded model: reading a fixed text in every way and comparing with plain forwards.

What differs by more than the dtype allows is read in a plainer way that agrees; a model whose plain
forward passes do not agree with each other is refused.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from app.checkpoints.devices import is_out_of_memory
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
from app.decoding.cache_support import looks_ahead
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel, plain_forward
from app.errors import Cancelled, ModelError

SECONDS = 5.0
"""Once the readings have taken so long, only those that come first are compared."""
SLOW = 1.0
"""Where one plain forward pass takes so many seconds, there is one more and not three."""
TOO_SLOW = 20.0
"""Where one forward pass takes so many seconds, nothing is compared."""
_ALWAYS = (Reading.TOKENS, Reading.CHUNKS)

GivenUp = frozenset[Shortcut]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is proved.

    Attributes:
        name: Of the role, for messages.
        original: The model as transformers made it: nothing in it has been made faster.
        shortcuts: What it is read with, in the order in which they are given up.
        read: Makes what reads it without some of them.
        bound: What its dtype allows.
    """

    name: str
    original: PreTrainedModel
    shortcuts: Sequence[Shortcut]
    read: Callable[[GivenUp], TransformersLanguageModel]
    bound: Difference


@torch.inference_mode()
def prove(
    subject: Subject,
    ids: Sequence[int],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.perf_counter,
) -> Proof:
    """Compare every reading of a text, and give up what does not agree.

    Args:
        subject: The model.
        ids: What is read.
        on_progress: Called with readings done and readings in all.
        cancelled: Asked before each block that is read.
        clock: Tells seconds.

    Raises:
        ModelError: The model computes no numbers, or not the same ones twice.
        Cancelled: When ``cancelled`` says so.
    """
    begun = clock()
    text = torch.tensor(ids)
    reference = _reference(subject, text)
    if (seconds := clock() - begun) > TOO_SLOW:
        return Proof(not_proved=f"one forward pass takes {seconds:.0f} s", seconds=seconds)
    comparison = _Comparison(text, reference, cancelled)
    plain = _plain(subject, comparison, slow=seconds > SLOW)
    plain_done = clock()
    trial = _Trial(
        subject,
        comparison,
        widened(subject.bound, plain.difference),
        on_progress,
        lambda: clock() - plain_done > SECONDS,
    )
    given_up, found, faults = _agreeing(subject, trial)
    return Proof(
        compared=(plain, *found),
        bound=trial.bound,
        given_up=tuple(shortcut for shortcut in Shortcut if shortcut in given_up),
        faults=tuple(faults),
        skipped=trial.skipped if Shortcut.CACHE not in given_up else (),
        seconds=clock() - begun,
    )


def _reference(subject: Subject, text: Tensor) -> Tensor:
    """The rows of one plain forward pass, [n, V], on the host.

    Raises:
        ModelError: There are none, or they are no numbers.
    """
    model = subject.original
    device = "cpu" if model.device.type == "meta" else model.device  # of offloaded models
    try:
        text = text.to(device)
        if looks_ahead(model, len(text)):
            beginnings = [text[:length] for length in range(1, len(text) + 1)]
            rows = torch.cat([plain_forward(model, each, 1) for each in beginnings]).cpu()
        else:
            rows = plain_forward(model, text, len(text)).cpu()
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"transformers cannot compute the {subject.name}", evidence=_first_line(error)
        ) from error
    wrong = int(torch.isfinite(rows.amax(-1)).logical_not().sum())  # NaN where any logit is NaN
    if wrong:
        raise ModelError(
            f"The {subject.name} computed logits that are not numbers",
            evidence=f"{wrong} of {len(rows)} rows of a plain forward pass",
            next_step="Try float32, or check that the checkpoint is intact.",
        )
    return rows


def _plain(subject: Subject, comparison: _Comparison, *, slow: bool) -> Compared:
    """The plainest reading, which every model has to pass.

    Raises:
        ModelError: Plain forward passes differ from each other.
    """
    model = UncachedLanguageModel(subject.original)
    found = comparison.of(Reading.ANEW, _half_anew if slow else _anew, model)
    assert found is not None
    if not found.difference.within(limit_of(subject.bound)):
        largest, divergence = found.difference.largest, found.difference.divergence
        raise ModelError(
            f"The {subject.name} does not compute the same logits twice",
            evidence=found.error
            or f"plain forward passes differ by {figure(largest)} in log-probability, "
            f"{figure(divergence)} nats",
            next_step="Try float32 and no quantization, or check that the checkpoint is intact.",
        )
    return found


def _anew(model: TransformersLanguageModel, text: Tensor) -> Rows:
    """Beginnings of the text, each by a forward pass of its own."""
    for length in (len(text) // 4, len(text) // 2, len(text) - 1):
        yield length - 1, model.extend(text[model.length : length])


def _half_anew(model: TransformersLanguageModel, text: Tensor) -> Rows:
    """The first half of the text."""
    half = len(text) // 2
    yield half - 1, model.extend(text[:half])


def _agreeing(subject: Subject, trial: _Trial) -> tuple[GivenUp, list[Compared], list[Compared]]:
    """The first way of reading that agrees, what was found of it, and the faults of the fastest."""
    found, fault = trial.of(frozenset())
    if fault is None:
        return frozenset(), found, []
    faults = [fault]
    for given_up in _plainer(subject.shortcuts, fault):
        found, fault = trial.of(given_up)
        if fault and fault.reading is Reading.BATCH and Shortcut.PADDING in subject.shortcuts:
            faults.append(fault)
            given_up |= {Shortcut.PADDING}
            found, fault = trial.of(given_up)
        if fault is None:
            return given_up, found, faults
    return frozenset(subject.shortcuts), [], faults[:1]


def _plainer(shortcuts: Sequence[Shortcut], fault: Compared) -> Iterator[GivenUp]:
    """What to give up: one shortcut or, where that is not enough, more and more of them."""
    if fault.reading is Reading.BATCH and Shortcut.PADDING in shortcuts:
        yield frozenset({Shortcut.PADDING})
    kept = [each for each in shortcuts if each not in (Shortcut.PADDING, Shortcut.CACHE)]
    yield from (frozenset({shortcut}) for shortcut in kept)
    yield from (frozenset(kept[:count]) for count in range(2, len(kept) + 1))


class _Comparison:
    """Compares readings of a text with its rows by a plain forward pass."""

    def __init__(self, text: Tensor, reference: Tensor, cancelled: Callable[[], bool]) -> None:
        self._text = text
        self._reference = reference
        self._cancelled = cancelled

    def of(self, reading: Reading, read: Read, model: TransformersLanguageModel) -> Compared | None:
        """What ``read`` differs by, or None where the model cannot read that way."""
        divergence, largest, count = 0.0, 0.0, 0
        try:
            model.rewind(0)
            for first, rows in read(model, self._text):
                if self._cancelled():
                    raise Cancelled
                found = difference(rows, self._reference[first : first + len(rows)])
                divergence += found.divergence * len(rows)
                largest = max(largest, found.largest)
                count += len(rows)
        except Cancelled:
            raise
        except Exception as error:  # a model may fail in any way
            if is_out_of_memory(error):
                raise
            log.info("reading %s failed", reading, exc_info=error)
            return Compared(reading, Difference(math.inf, math.inf), _first_line(error))
        return Compared(reading, Difference(divergence / count, largest)) if count else None


class _Trial:
    """Tries ways of reading until one agrees.

    Attributes:
        bound: What a reading may differ by.
        skipped: What was not compared, in the last try.
    """

    def __init__(
        self,
        subject: Subject,
        comparison: _Comparison,
        bound: Difference,
        on_progress: Callable[[int, int], None],
        late: Callable[[], bool],
    ) -> None:
        self.bound = bound
        self.skipped: tuple[Reading, ...] = ()
        self._subject = subject
        self._comparison = comparison
        self._on_progress = on_progress
        self._late = late
        self._needed = set(_ALWAYS)

    def of(self, given_up: GivenUp) -> tuple[list[Compared], Compared | None]:
        """What was found without some shortcuts, and the first fault."""
        model = self._subject.read(given_up)
        found, skipped = list[Compared](), list[Reading]()
        for done, (reading, read) in enumerate(READINGS.items()):
            self._on_progress(done, len(READINGS))
            if reading not in self._needed and self._late():
                skipped.append(reading)
                continue
            compared = self._comparison.of(reading, read, model)
            if compared is not None and not compared.difference.within(self.bound):
                self._needed.add(reading)
                return found, compared
            if compared is not None:
                found.append(compared)
        self._on_progress(len(READINGS), len(READINGS))
        self.skipped = tuple(skipped)
        return found, None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
