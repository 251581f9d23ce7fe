"""A run with everything that is shown of it, ready to be written in any format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.attribution.candidates import CandidateRows, CandidateTable, tabulate
from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT
from app.decoding.shown_text import show
from app.history.archive import Archive
from app.history.records import StoredRun


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A run to export.

    Attributes:
        tokens: Its text, from the first token on.
        candidates: Of each token, or None where none were kept.
    """

    run: StoredRun
    tokens: Sequence[ExplainedToken]
    candidates: Sequence[CandidateRows | None]

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)

    @property
    def pair_names(self) -> tuple[str, ...]:
        return self.run.pair_names

    @property
    def partial(self) -> bool:
        """Whether the base told of some tokens alone, so that there are coverages."""
        return any(token.attribution.coverage is not None for token in self.tokens)

    def tables(self) -> Iterator[CandidateTable | None]:
        """The alternatives at each token, as the window shows them."""
        return (None if rows is None else tabulate(rows) for rows in self.candidates)

    def table(self, index: int) -> CandidateTable | None:
        """The alternatives at one token."""
        rows = self.candidates[index]
        return None if rows is None else tabulate(rows)

    def name(self, token: ExplainedToken) -> str:
        """A token in one line: its text with marks, or its label where it completes no text."""
        return one_line(token.text) if token.text else self.run.label(token.token_id)

    def part(self, first: int, last: int) -> Document:
        """The same run with the tokens from ``first`` up to, and without, ``last`` alone."""
        return Document(self.run, self.tokens[first:last], self.candidates[first:last])


def read_document(archive: Archive, run_id: str) -> Document:
    """A run of the history.

    Raises:
        HistoryError: When it is not there or cannot be read.
    """
    tokens = archive.tokens(run_id)
    kept = dict(archive.all_candidates(run_id))
    return Document(archive.get(run_id), tokens, [kept.get(token.index) for token in tokens])


def one_line(text: str) -> str:
    """``text`` with marks for what is not seen, and no line break."""
    return "".join(mark for mark, _ in show(text)).replace("\n", "").replace("\t", "")


def in_bits(token: ExplainedToken) -> dict[str, float]:
    """What is counted in bits at a token, by names that say so, as data files have them."""
    explained = token.attribution
    return {
        "shift_bits": shift_bits(token),
        "entropy_base_bits": explained.entropy_base / BIT,
        "entropy_tuned_bits": explained.entropy_tuned / BIT,
        "kl_bits": explained.kl / BIT,
    }


def shift_bits(token: ExplainedToken) -> float:
    """By how many bits the pairs moved the log-probability of a token."""
    return token.attribution.shift / BIT
