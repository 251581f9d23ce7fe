"""Raw rows of the newest tokens within a bound of memory, and candidate tables of all tokens."""

from __future__ import annotations

from collections import OrderedDict

from app.attribution.attribution import CandidateTable, tabulate_candidates
from app.decoding.types import RoleLogits, TokenStep

DEFAULT_BYTES = 512 * 2**20


class RowStore:
    """Keeps full rows while they fit; of older tokens, the table of the top candidates.

    Args:
        most_bytes: Bound of the memory held by full rows.
    """

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._steps: OrderedDict[int, TokenStep] = OrderedDict()
        self._tables: dict[int, CandidateTable] = {}

    def add(self, step: TokenStep) -> None:
        """Keep the rows of ``step``, and reduce the oldest to candidates where the bound is met."""
        self._steps[step.index] = step
        self._bytes += _row_bytes(step.logits)
        while self._bytes > self._most_bytes and len(self._steps) > 1:
            index, oldest = self._steps.popitem(last=False)
            self._tables[index] = _tabulate(oldest)
            self._bytes -= _row_bytes(oldest.logits)

    def rows(self, index: int) -> RoleLogits | None:
        """The full rows of token ``index``, or None where only candidates are left."""
        step = self._steps.get(index)
        return step.logits if step else None

    def candidates_at(self, index: int, alphas: tuple[float, ...]) -> CandidateTable | None:
        """The candidates of token ``index`` had these weights been in force; no model is run.

        None where the rows of the token are no longer kept.
        """
        step = self._steps.get(index)
        return tabulate_candidates(step.logits, alphas, step.token_id) if step else None

    def candidates(self, index: int) -> CandidateTable:
        """The candidates of token ``index``.

        Raises:
            KeyError: When no such token was added.
        """
        if index not in self._tables:
            return _tabulate(self._steps[index])
        return self._tables[index]


def _tabulate(step: TokenStep) -> CandidateTable:
    return tabulate_candidates(step.logits, step.alphas, step.token_id)


def _row_bytes(logits: RoleLogits) -> int:
    distinct = {id(row): row.nbytes for row in (logits.base, *logits.experts, *logits.antiexperts)}
    return sum(distinct.values())
