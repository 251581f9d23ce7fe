"""Stores the full rows of the newest tokens within a memory bound, and candidates of all tokens."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from app.attribution.candidates import CandidateRows, keep_candidates
from app.attribution.step_attribution import candidates_of
from app.decoding.types import RoleLogits, TokenStep

DEFAULT_BYTES = 512 * 2**20


@dataclass(slots=True)
class _Held:
    """The rows of one position, shared by the stores of a run and of its branches."""

    step: TokenStep
    size: int
    stores: list[RowStore] = field(default_factory=list)
    candidates: CandidateRows | None = None

    def reduced(self) -> CandidateRows:
        if self.candidates is None:
            self.candidates = candidates_of(self.step)
        return self.candidates


class RowBudget:
    """A memory bound for the full rows of several stores; the oldest rows are reduced first.

    Args:
        most_bytes: Maximum bytes of full rows. The newest row is kept in any case.
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
        """Change the bound and reduce what exceeds it."""
        self._most_bytes = most_bytes
        self._reduce_oldest()

    def set_candidates(self, step: TokenStep, candidates: CandidateRows) -> None:
        """Store the candidates of ``step`` that were computed elsewhere.

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
            held = self._held[id(step)] = _Held(step, step.kept_logits.nbytes)
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
    """The rows of one run: full rows while they fit into the bound, else candidates.

    Args:
        budget: The bound; runs may share it.
    """

    def __init__(self, budget: RowBudget | None = None) -> None:
        self._budget = budget or RowBudget()
        self._steps: dict[int, TokenStep] = {}
        self._candidates: dict[int, CandidateRows | Callable[[], CandidateRows]] = {}

    def add(self, step: TokenStep) -> None:
        """Store the rows of ``step``, and drop those of this and all later positions.

        A step without rows, as from a server that tunes, has candidates alone.
        """
        if step.index in self._steps or step.index in self._candidates:
            self.forget(step.index)
        if step.logits is None:
            self._candidates[step.index] = candidates_of(step)
            return
        self._steps[step.index] = step
        self._budget._hold(step, self)

    def add_candidates(
        self, index: int, candidates: CandidateRows | Callable[[], CandidateRows]
    ) -> None:
        """Store candidates of a token without rows, or a function that reads them when needed."""
        self._candidates[index] = candidates

    def copy(self, other: RowStore, count: int) -> None:
        """Share the rows and candidates of the first ``count`` tokens of ``other``."""
        for index, step in list(other._steps.items()):
            if index < count and index in other._steps:  # holding one may reduce another
                self._steps[index] = step
                self._budget._hold(step, self)
        for index, candidates in other._candidates.items():
            if index < count:
                self._candidates[index] = candidates

    def forget(self, first: int = 0) -> None:
        """Drop token ``first`` and all later tokens."""
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
        """The candidates of token ``index`` for other alphas, without running a model.

        They are estimates if the full rows of the token are no longer stored.

        Raises:
            KeyError: When no such token was added.
        """
        step = self._steps.get(index)
        if step is None:
            return self._kept(index).with_alphas(alphas)
        return keep_candidates(step.kept_logits, alphas, step.token_id)

    def at_hand(self, index: int) -> RoleLogits | CandidateRows | None:
        """What is in memory of token ``index``: its full rows, its candidates, or nothing."""
        step = self._steps.get(index)
        if step is not None:
            return step.kept_logits
        candidates = self._candidates.get(index)
        return candidates if isinstance(candidates, CandidateRows) else None

    def _kept(self, index: int) -> CandidateRows:
        candidates = self._candidates[index]
        if not isinstance(candidates, CandidateRows):
            candidates = self._candidates[index] = candidates()
        return candidates

    def _replace(self, index: int, candidates: CandidateRows) -> None:
        del self._steps[index]
        self._candidates[index] = candidates
