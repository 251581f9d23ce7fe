"""Captured steps whose first replay is compared with the same step uncaptured.

A capture can go wrong without an error: whatever the host computes from a value is a constant of
the graph, and a replay then has the logits of another text. Each step is therefore captured with
one set of inputs, replayed with another, and computed uncaptured with that. If the results differ
by more than rounding, this kind of step is not captured.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

from app.decoding.capture_stats import CaptureStats
from app.decoding.capturing import Action, ActionRunner, Capture, CaptureError, run_sequentially

log = logging.getLogger(__name__)

_LIKELY = 1e-3
"""Least probability, in either row, of tokens whose log-probabilities are compared."""
_BOUNDS = {torch.float32: 1e-2, torch.float16: 0.3, torch.bfloat16: 1.5}
"""Differences of log-probabilities that rounding explains; as in the proof of a loaded model."""


def other_token(token: int) -> int:
    """A token id that every vocabulary has and that is not ``token``."""
    return 1 if token == 0 else 0


def difference_of_rows(replayed: Tensor, expected: Tensor, dtype: torch.dtype) -> str:
    """How rows of logits differ beyond rounding; empty if they do not.

    Args:
        replayed: Logits of a replay, [k, V], float32.
        expected: Logits of the same step uncaptured, [k, V].
        dtype: The dtype of the model.
    """
    if torch.equal(replayed, expected):
        return ""
    one, other = (torch.log_softmax(rows.double(), -1) for rows in (replayed, expected))
    if not bool(other.amax(-1).isfinite().all()):
        return ""  # logits that are not numbers are an error of the model
    likely = torch.maximum(one, other).exp() >= _LIKELY
    likely.scatter_(-1, other.argmax(-1, keepdim=True), True)
    worst = float((one - other)[likely].abs().max())  # NaN if a replayed logit is
    if worst <= _BOUNDS.get(dtype, _BOUNDS[torch.bfloat16]):
        return ""
    return f"a log-probability differs by {worst:.3g}"


class Captures:
    """The captures of one model or ensemble: counts, costs, and kinds of step that differ.

    Args:
        capture: Captures a computation.
        clock: Seconds, for the costs.
    """

    def __init__(self, capture: Capture, clock: Callable[[], float] = time.perf_counter) -> None:
        self.capture = capture
        self._clock = clock
        self._count = 0
        self._seconds = 0.0
        self._differing: dict[Hashable, str] = {}

    @property
    def stats(self) -> CaptureStats:
        """Counts and costs so far."""
        return CaptureStats(self._count, self._seconds, tuple(self._differing.values()))

    def run_first(self, kind: Hashable, step: CheckedStep) -> Action | None:
        """Run ``step`` for the first time and return what runs it from then on.

        Args:
            kind: Identifies the kind of step.
            step: The step, with its inputs set.

        Returns:
            A replay; the uncaptured computation if a replay of this kind has differed; or None if
            the step could not be captured with other inputs, and was computed uncaptured.

        Raises:
            CaptureError: The step cannot be captured; it has not run.
        """
        if kind in self._differing:
            step.compute_uncaptured()
            return step.compute_uncaptured
        begun = self._clock()
        if not step.set_inputs_of_capture():
            step.compute_uncaptured()
            return None
        try:
            replay = self.capture(step.compute, step.parts)
        except CaptureError:
            step.set_own_inputs()
            raise
        step.set_inputs_of_check()
        replay()
        difference = step.difference_from_uncaptured()
        self._count += 1
        self._seconds += self._clock() - begun
        run: Action = replay
        if difference:
            self._differing[kind] = f"{step}: {difference}"
            log.warning("a captured step differs from the uncaptured one: %s: %s", step, difference)
            run = step.compute_uncaptured
        step.set_own_inputs()
        run()
        return run


class CheckedStep(ABC):
    """One kind of step, over inputs and outputs of fixed address.

    Its text describes the kind in a few words.

    Attributes:
        parts: Number of independent actions that :meth:`compute` passes to its runner.
    """

    parts = 1

    def __init__(self, captures: Captures, kind: Hashable) -> None:
        self._captures = captures
        self._kind = kind
        self._run: Action | None = None

    def run(self) -> None:
        """Compute the outputs of the inputs that were set; captures the step at its first run.

        Raises:
            CaptureError: The step cannot be captured; it has not run.
        """
        if self._run is None:
            self._run = self._captures.run_first(self._kind, self)
        else:
            self._run()

    def compute_uncaptured(self) -> None:
        """Compute the outputs without a capture."""
        self.compute(run_sequentially)

    @abstractmethod
    def compute(self, runner: ActionRunner) -> None:
        """The computation to capture."""

    @abstractmethod
    def set_own_inputs(self) -> None:
        """Set the inputs of the step that is to be run again."""

    @abstractmethod
    def set_inputs_of_capture(self) -> bool:
        """Set inputs of which each differs from those of the check; False if there are none.

        Computing them changes nothing that the check or the step itself reads.
        """

    @abstractmethod
    def set_inputs_of_check(self) -> None:
        """Set inputs with which a stale input would change the outputs."""

    @abstractmethod
    def difference_from_uncaptured(self) -> str:
        """How the outputs differ from an uncaptured computation; empty if by rounding at most."""
