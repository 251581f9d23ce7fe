"""The table of tokens: one row for each token of one or several runs, for CSV, Parquet and pandas.

``docs/token-table.md`` describes its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT

Cell = str | int | float | bool | None
_Token = TypeVar("_Token")


class TokenSource(Protocol):
    """A run whose tokens are rows of the table."""

    @property
    def run_id(self) -> str:
        """The id of the run."""
        ...

    @property
    def pair_names(self) -> tuple[str, ...]:
        """The names of the expert pairs; empty for a run of one role alone."""
        ...

    @property
    def tokens(self) -> Sequence[ExplainedToken]:
        """The tokens of the run."""
        ...

    @property
    def bookmarks(self) -> Collection[int]:
        """Indices of the tokens with a bookmark."""
        ...

    @property
    def skipped(self) -> Collection[int]:
        """Indices of the tokens that were sampled from the base alone: no pair was read."""
        ...


@dataclass(frozen=True, slots=True)
class Column(Generic[_Token]):
    """A column of a table of tokens.

    Attributes:
        name: Its name.
        kind: The type of its values.
        unit: What its values count or measure; empty for names and texts.
        of: The value at a token.
    """

    name: str
    kind: type[str | int | float | bool]
    unit: str
    of: Callable[[_Token], Cell]


NATS = "nats (natural logarithm)"
_COLUMNS: tuple[Column[ExplainedToken], ...] = (
    Column("index", int, "tokens, from 0", lambda token: token.index),
    Column("token_id", int, "", lambda token: token.token_id),
    Column("text", str, "", lambda token: token.text),
    Column("start", int, "code points, from 0", lambda token: token.start),
    Column("end", int, "code points, from 0", lambda token: token.end),
    Column("forced", bool, "", lambda token: token.forced),
    Column("sampled_probability", float, "probability", lambda token: token.sampled_probability),
    Column("p_base", float, "probability", lambda token: token.attribution.p_base),
    Column("p_tuned", float, "probability", lambda token: token.attribution.p_tuned),
    Column("logprob_base", float, NATS, lambda token: token.attribution.logprob_base),
    Column("logprob_tuned", float, NATS, lambda token: token.attribution.logprob_tuned),
    Column("rank_base", int, "rank, from 1", lambda token: token.attribution.rank_base),
    Column("rank_tuned", int, "rank, from 1", lambda token: token.attribution.rank_tuned),
    Column("argmax_base", int, "token id", lambda token: token.attribution.argmax_base),
    Column("argmax_tuned", int, "token id", lambda token: token.attribution.argmax_tuned),
    Column("flipped", bool, "", lambda token: token.attribution.flipped),
    Column("shift_bits", float, "bits", lambda token: token.attribution.shift / BIT),
    Column("entropy_base_bits", float, "bits", lambda token: token.attribution.entropy_base / BIT),
    Column(
        "entropy_tuned_bits", float, "bits", lambda token: token.attribution.entropy_tuned / BIT
    ),
    Column("kl_bits", float, "bits", lambda token: token.attribution.kl / BIT),
)
OF_RUN = ("run_id", "bookmark", "skipped")
"""The first columns, which the run knows of each token."""
PAIR_UNITS = {
    "alpha": "factor",
    "contribution": "difference of probabilities",
    "logprob_contribution": NATS,
}
"""The unit of each column that every pair has."""
_SHARES: tuple[Column[ExplainedToken], ...] = (
    Column("coverage", float, "probability", lambda token: token.attribution.coverage),
    Column("bounded", float, "probability", lambda token: token.attribution.bounded),
)


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The tokens of one or several runs.

    The columns ``coverage`` and ``bounded`` each exist if a token has one, or always if the tokens
    to come are not known. Each pair of any of the
    runs has the columns of :data:`PAIR_UNITS`, such as ``alpha NAME``, which are empty at runs
    without the pair.

    Attributes:
        runs: The runs.
        always_shares: Whether ``coverage`` and ``bounded`` exist in any case.
    """

    runs: Sequence[TokenSource]
    always_shares: bool = False

    def columns(self) -> tuple[Column[ExplainedToken], ...]:
        """The columns after those of :data:`OF_RUN` that do not belong to a pair."""
        if self.always_shares:
            return (*_COLUMNS, *_SHARES)
        tokens = [token for run in self.runs for token in run.tokens]
        shares = (each for each in _SHARES if any(each.of(token) is not None for token in tokens))
        return (*_COLUMNS, *shares)

    def pairs(self) -> tuple[str, ...]:
        """The names of the pairs of all runs, each once."""
        return tuple(dict.fromkeys(name for run in self.runs for name in distinct(run.pair_names)))

    def header(self) -> list[str]:
        """The names of all columns."""
        shared = [column.name for column in self.columns()]
        pairs = self.pairs()
        own = [f"{what} {name}" for what in PAIR_UNITS for name in pairs]
        return [*OF_RUN, *shared, *own]

    def rows(self) -> Iterator[list[Cell]]:
        """The values of each token, in the order of :meth:`header`."""
        columns, pairs = self.columns(), self.pairs()
        for run in self.runs:
            own, skipped = distinct(run.pair_names), run.skipped
            places = [own.index(name) if name in own else None for name in pairs]
            for token in run.tokens:
                found = token.attribution
                each = (token.alphas, found.contributions, found.logprob_contributions)
                yield [
                    run.run_id,
                    token.index in run.bookmarks,
                    token.index in skipped,
                    *(column.of(token) for column in columns),
                    *(_at(values, place) for values in each for place in places),
                ]


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names of pairs as the table has them: a name that occurs again gets its number."""
    found: list[str] = []
    for name in names:
        number, new = 2, name
        while new in found:
            number, new = number + 1, f"{name} ({number})"
        found.append(new)
    return tuple(found)


def _at(values: Sequence[float], place: int | None) -> float | None:
    return values[place] if place is not None and place < len(values) else None
