"""SQL statements and row conversions of the history database."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from typing import Any

from app.attribution.attribution import TokenAttribution
from app.attribution.estimated import attribute_candidates
from app.attribution.explained_token import ExplainedToken
from app.errors import HistoryError
from app.history.blob_encoding import pack_numbers, unpack_candidates, unpack_numbers

TOKEN_COLUMNS = (
    "position, token_id, text, start, forced, sampled_probability, alphas, p_base, p_tuned, "
    "logprob_base, logprob_tuned, contributions, rank_base, rank_tuned, argmax_base, argmax_tuned, "
    "entropy_base, entropy_tuned, kl, coverage, logprob_contributions, bounded"
)
_CANDIDATES_OF_OLD = (
    "CASE WHEN logprob_contributions IS NULL THEN (SELECT packed FROM candidates "
    "WHERE candidates.run = token.run AND candidates.position = token.position) END"
)
"""Candidates of tokens of older versions, which did not store this column."""
ADD_TOKEN = f"INSERT INTO token (run, {TOKEN_COLUMNS}) VALUES ({', '.join('?' * 23)})"
ADD_CANDIDATES = (
    "INSERT OR REPLACE INTO candidates (run, position, packed) "
    "SELECT run, position, ? FROM token WHERE run = ? AND position = ?"
)
"""Adds candidates to a token; a token that is missing in a replaced database gets none."""


def storable(text: str) -> str:
    """``text`` as valid UTF-8: lone surrogates are replaced by “?”."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def token_values(token: ExplainedToken) -> tuple[Any, ...]:
    """The parameters of :data:`ADD_TOKEN` after the run number."""
    explained = token.attribution
    return (
        token.index,
        token.token_id,
        storable(token.text),
        token.start,
        token.forced,
        token.sampled_probability,
        pack_numbers(token.alphas),
        explained.p_base,
        explained.p_tuned,
        explained.logprob_base,
        explained.logprob_tuned,
        pack_numbers(explained.contributions),
        explained.rank_base,
        explained.rank_tuned,
        explained.argmax_base,
        explained.argmax_tuned,
        explained.entropy_base,
        explained.entropy_tuned,
        explained.kl,
        explained.coverage,
        pack_numbers(explained.logprob_contributions),
        explained.bounded,
    )


def read_tokens(
    connection: sqlite3.Connection, number: int, first: int, last: int
) -> Iterator[ExplainedToken]:
    """The tokens ``first`` to ``last`` (exclusive) that one run stores itself."""
    rows = connection.execute(
        f"SELECT {TOKEN_COLUMNS}, {_CANDIDATES_OF_OLD} FROM token "
        "WHERE run = ? AND position >= ? AND position < ? ORDER BY position",
        (number, first, last),
    )
    return map(_token, rows)


def _token(row: tuple[Any, ...]) -> ExplainedToken:
    (index, token_id, text, start, forced, sampled, alphas, p_base, p_tuned, log_base, log_tuned,
     contributions, rank_base, rank_tuned, argmax_base, argmax_tuned, entropy_base, entropy_tuned,
     kl, coverage, in_log, bounded, packed) = row  # fmt: skip
    shares = unpack_numbers(contributions)
    return ExplainedToken(
        index=index,
        token_id=token_id,
        text=text,
        start=start,
        forced=bool(forced),
        alphas=unpack_numbers(alphas),
        sampled_probability=_number(sampled),
        attribution=TokenAttribution(
            p_base=_number(p_base),
            p_tuned=_number(p_tuned),
            logprob_base=_number(log_base),
            logprob_tuned=_number(log_tuned),
            contributions=shares,
            logprob_contributions=(
                _from_candidates(packed, token_id, len(shares))
                if in_log is None
                else unpack_numbers(in_log)
            ),
            rank_base=rank_base,
            rank_tuned=rank_tuned,
            argmax_base=argmax_base,
            argmax_tuned=argmax_tuned,
            entropy_base=_number(entropy_base),
            entropy_tuned=_number(entropy_tuned),
            kl=_number(kl),
            coverage=coverage,
            bounded=bounded,
        ),
    )


def _from_candidates(packed: bytes | None, token_id: int, pairs: int) -> tuple[float, ...]:
    """The contributions to the log-probability; NaN if there are no candidates or damaged ones."""
    unknown = (math.nan,) * pairs
    if packed is None or not pairs:
        return unknown
    try:
        found = attribute_candidates(unpack_candidates(packed), token_id).logprob_contributions
    except (HistoryError, ValueError, IndexError):
        return unknown
    return found if len(found) == pairs else unknown


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def run_number(connection: sqlite3.Connection, run_id: str) -> int | None:
    """The row number of the run with this id, or None."""
    row = connection.execute("SELECT number FROM run WHERE id = ?", (run_id,)).fetchone()
    return None if row is None else int(row[0])


def segments(connection: sqlite3.Connection, number: int) -> list[tuple[int, int, int]]:
    """The token ranges that make up a run: (run number, first, last), ancestors first."""
    found: list[tuple[int, int, int]] = []
    last, run = 2**62, number
    while True:
        row = connection.execute(
            "SELECT run.fork_index, above.number FROM run LEFT JOIN run above "
            "ON above.id = run.parent WHERE run.number = ?",
            (run,),
        ).fetchone()
        if (
            row is None or row[1] is None or row[1] >= run
        ):  # parents have smaller numbers, so a damaged file cannot cause an endless loop
            return [(run, 0, last), *found]
        fork = min(int(row[0]), last)
        found.insert(0, (run, fork, last))
        last, run = fork, int(row[1])
