"""Candidates that can replace a token in a branch, and their search by typed text."""

from __future__ import annotations

from dataclasses import dataclass

from app.attribution.candidates import tabulate
from app.ui.state.runs.run import Run
from app.wording import visible


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate at a token; ``rank`` counts from 1 under the tuned distribution."""

    token_id: int
    text: str
    probability: float
    probability_base: float
    rank: int
    current: bool


class Alternatives:
    """The candidates at token ``index`` of ``run``, most probable after tuning first."""

    def __init__(self, run: Run, index: int) -> None:
        table = tabulate(run.candidates(index))
        current = run.tokens[index].token_id
        self.all = [
            Alternative(
                int(id_), run.label(int(id_)), float(tuned), float(base), int(rank), id_ == current
            )
            for id_, tuned, base, rank in zip(
                table.token_ids, table.p_tuned, table.p_base, table.rank_tuned, strict=True
            )
        ]

    def matching(self, typed: str) -> list[Alternative]:
        """The candidates that contain the typed text, ignoring case; prefix matches come first."""
        wanted = typed.casefold()
        if not wanted:
            return self.all
        found = [one for one in self.all if wanted in _searchable(one.text)]
        bare = wanted.strip() or wanted
        return sorted(found, key=lambda one: not _searchable(one.text).strip().startswith(bare))

    def exactly(self, typed: str) -> Alternative | None:
        """The candidate whose text equals the typed text, or None."""
        return next((one for one in self.all if typed and one.text == typed), None)


def _searchable(text: str) -> str:
    """Text that searches match, which includes the marks of line breaks and tabs."""
    return text.casefold() if text == visible(text) else (text + visible(text)).casefold()
