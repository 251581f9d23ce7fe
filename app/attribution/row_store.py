"""Raw rows of the newest tokens within a bound of memory, and the candidates of all tokens."""

from __future__ import annotations

from collections import OrderedDict

from app.attribution.candidates import CandidateRows, keep_candidates
from app.decoding.types import RoleLogits, TokenStep

DEFAULT_BYTES = 512 * 2**20


class RowStore:
    """Keeps full rows while they fit; of other tokens, the rows of the top candidates.

    Args:
        most_bytes: Bound of the memory held by full rows.
    """

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._steps: OrderedDict[int, TokenStep] = OrderedDict()
        self._candidates: dict[int, CandidateRows] = {}

    def add(self, step: TokenStep) -> None:
        """Keep the rows of ``step``, and reduce the oldest to candidates where the bound is met."""
        self.forget(step.index)
        self._steps[step.index] = step
        self._bytes += _row_bytes(step.logits)
        while self._bytes > self._most_bytes and len(self._steps) > 1:
            index, oldest = self._steps.popitem(last=False)
            self._candidates[index] = _reduce(oldest)
            self._bytes -= _row_bytes(oldest.logits)

    def add_candidates(self, index: int, candidates: CandidateRows) -> None:
        """Keep what another run or the history has of a token whose rows are not to be had."""
        self._candidates[index] = candidates

    def forget(self, first: int) -> None:
        """Forget token ``first`` and all after it."""
        for index in [index for index in self._steps if index >= first]:
            self._bytes -= _row_bytes(self._steps.pop(index).logits)
        for index in [index for index in self._candidates if index >= first]:
            del self._candidates[index]

    def step(self, index: int) -> TokenStep | None:
        """Token ``index`` with its full rows, or None where only candidates are left."""
        return self._steps.get(index)

    def rows(self, index: int) -> RoleLogits | None:
        """The full rows of token ``index``, or None where only candidates are left."""
        step = self._steps.get(index)
        return step.logits if step else None

    def candidates(self, index: int) -> CandidateRows:
        """The candidates of token ``index``.

        Raises:
            KeyError: When no such token was added.
        """
        if index in self._candidates:
            return self._candidates[index]
        return _reduce(self._steps[index])

    def candidates_at(self, index: int, alphas: tuple[float, ...]) -> CandidateRows:
        """The candidates of token ``index`` had these weights been in force; no model is run.

        Estimated where the full rows of the token are no longer kept.

        Raises:
            KeyError: When no such token was added.
        """
        step = self._steps.get(index)
        if step is None:
            return self._candidates[index].reweighted(alphas)
        return keep_candidates(step.logits, alphas, step.token_id)


def _reduce(step: TokenStep) -> CandidateRows:
    return keep_candidates(step.logits, step.alphas, step.token_id)


def _row_bytes(logits: RoleLogits) -> int:
    distinct = {id(row): row.nbytes for row in (logits.base, *logits.experts, *logits.antiexperts)}
    return sum(distinct.values())
