"""CSV export of runs: their tokens, or the candidates of all tokens of one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from app.attribution.scored_prompt import ScoredPrompt
from app.history.export.document import Document
from app.history.export.prompt_table import PromptTable
from app.history.export.token_table import TokenSource, TokenTable, distinct


def write_csv(document: Document) -> str:
    """The tokens of a run, as :func:`write_tokens_csv` writes them."""
    return write_tokens_csv([document])


def write_tokens_csv(runs: Sequence[TokenSource]) -> str:
    """One row for each token of the runs, with the columns of :class:`TokenTable`.

    The text is exact, including line breaks.
    """
    table = TokenTable(runs)
    return _table(table.header(), table.rows())


def write_prompts_csv(prompts: Sequence[ScoredPrompt]) -> str:
    """One row for each token of the prompts, with the columns of :class:`PromptTable`."""
    table = PromptTable(prompts)
    return _table(table.header(), table.rows())


def write_candidates_csv(document: Document) -> str:
    """One row for each candidate of each token, in descending tuned probability.

    Indices count from 0.
    """
    pairs = distinct(document.pair_names)
    header = ["index", "chosen", "token_id", "label", "p_base", "p_tuned", "rank_base"]
    header += ["rank_tuned", *_of_pairs("p_expert", pairs), *_of_pairs("p_antiexpert", pairs)]
    header += _of_pairs("contribution", pairs)
    return _table(header, _candidate_rows(document))


def _candidate_rows(document: Document) -> Iterable[list[Any]]:
    for token, table in zip(document.tokens, document.tables(), strict=True):
        if table is None:
            continue
        for place, token_id in enumerate(table.token_ids.tolist()):
            yield [
                token.index,
                token_id == token.token_id,
                token_id,
                document.run.label(token_id),
                float(table.p_base[place]),
                float(table.p_tuned[place]),
                int(table.rank_base[place]),
                int(table.rank_tuned[place]),
                *table.p_experts[:, place].tolist(),
                *table.p_antiexperts[:, place].tolist(),
                *table.contributions[:, place].tolist(),
            ]


def _of_pairs(what: str, pairs: Sequence[str]) -> list[str]:
    return [f"{what} {name}" for name in pairs]


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    return csv_lines(chain([header], rows))


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as lines of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
