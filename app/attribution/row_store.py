"""Raw rows of the newest tokens within a bound of memory, and the candidates of all tokens."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from app.attribution.candidates import CandidateRows, keep_candidates
from app.decoding.types import RoleLogits, TokenStep

DEFAULT_BYTES = 512 * 2**20


@dataclass(slots=True)
class _Held:
    """The rows of one position, and the stores that hold them: a text and its branches."""

    step: TokenStep
    size: int
    stores: list[RowStore] = field(default_factory=list)
    candidates: CandidateRows | None = None

    def reduced(self) -> CandidateRows:
        if self.candidates is None:
            self.candidates = keep_candidates(
                self.step.logits, self.step.alphas, self.step.token_id
            )
        return self.candidates


class RowBudget:
    """Bounds the full rows of several stores together; the oldest are reduced first.

    Args:
        most_bytes: Bound of the memory held by full rows. The newest rows are kept in any case.
    """

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._held: OrderedDict[int, _Held] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """Memory held by full rows now."""
        return self._bytes

    def set_bound(self, most_bytes: int) -> None:
        """Set another bound; what is above it is reduced at once."""
        self._most_bytes = most_bytes
        self._reduce_oldest()

    def note(self, step: TokenStep, candidates: CandidateRows) -> None:
        """Take the candidates of ``step`` that were found elsewhere, so as not to find them again.

        May be called on any thread.
        """
        held = self._held.get(id(step))
        if held is not None and held.step is step:
            held.candidates = candidates

    def _reduced(self, step: TokenStep) -> CandidateRows:
        return self._held[id(step)].reduced()

    def _hold(self, step: TokenStep, store: RowStore) -> None:
        held = self._held.get(id(step))
        if held is None:
            held = self._held[id(step)] = _Held(step, step.logits.nbytes)
            self._bytes += held.size
        held.stores.append(store)
        self._reduce_oldest()

    def _drop(self, step: TokenStep, store: RowStore) -> None:
        held = self._held[id(step)]
        held.stores.remove(store)
        if not held.stores:
            del self._held[id(step)]
            self._bytes -= held.size

    def _reduce_oldest(self) -> None:
        while self._bytes > self._most_bytes and len(self._held) > 1:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= oldest.size
            candidates = oldest.reduced()
            for store in oldest.stores:
                store._replace(oldest.step.index, candidates)


class RowStore:
    """The rows of one text: full ones while they fit, of other tokens the top candidates.

    Args:
        budget: The bound, which other texts may share.
    """

    def __init__(self, budget: RowBudget | None = None) -> None:
        self._budget = budget or RowBudget()
        self._steps: dict[int, TokenStep] = {}
        self._candidates: dict[int, CandidateRows | Callable[[], CandidateRows]] = {}

    def add(self, step: TokenStep) -> None:
        """Keep the rows of ``step``; what was kept of this position and after it is forgotten."""
        if step.index in self._steps or step.index in self._candidates:
            self.forget(step.index)
        self._steps[step.index] = step
        self._budget._hold(step, self)

    def add_candidates(
        self, index: int, candidates: CandidateRows | Callable[[], CandidateRows]
    ) -> None:
        """Keep the candidates of a token whose rows are not to be had, or what reads them."""
        self._candidates[index] = candidates

    def copy(self, other: RowStore, count: int) -> None:
        """Keep what ``other`` has of its first ``count`` tokens; the rows are shared."""
        for index, step in list(other._steps.items()):
            if index < count and index in other._steps:  # holding one may reduce another
                self._steps[index] = step
                self._budget._hold(step, self)
        for index, candidates in other._candidates.items():
            if index < count:
                self._candidates[index] = candidates

    def forget(self, first: int = 0) -> None:
        """Forget token ``first`` and all after it."""
        for index in [index for index in self._steps if index >= first]:
            self._budget._drop(self._steps.pop(index), self)
        for index in [index for index in self._candidates if index >= first]:
            del self._candidates[index]

    def steps(self) -> list[TokenStep]:
        """The tokens whose full rows are kept, in order."""
        return [self._steps[index] for index in sorted(self._steps)]

    def rows(self, index: int) -> RoleLogits | None:
        """The full rows of token ``index``, or None where only candidates are left."""
        step = self._steps.get(index)
        return step.logits if step else None

    def candidates(self, index: int) -> CandidateRows:
        """The candidates of token ``index``.

        Raises:
            KeyError: When no such token was added.
        """
        if index in self._steps:
            return self._budget._reduced(self._steps[index])
        return self._kept(index)

    def candidates_at(self, index: int, alphas: tuple[float, ...]) -> CandidateRows:
        """The candidates of token ``index`` had these weights been in force; no model is run.

        Estimated where the full rows of the token are no longer kept.

        Raises:
            KeyError: When no such token was added.
        """
        step = self._steps.get(index)
        if step is None:
            return self._kept(index).reweighted(alphas)
        return keep_candidates(step.logits, alphas, step.token_id)

    def _kept(self, index: int) -> CandidateRows:
        candidates = self._candidates[index]
        if not isinstance(candidates, CandidateRows):
            candidates = self._candidates[index] = candidates()
        return candidates

    def _replace(self, index: int, candidates: CandidateRows) -> None:
        del self._steps[index]
        self._candidates[index] = candidates
