"""CSV export of a run: its tokens, or the candidates of all tokens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from app.history.export.document import Document, in_bits

_FIELDS = (
    "p_base",
    "p_tuned",
    "logprob_base",
    "logprob_tuned",
    "rank_base",
    "rank_tuned",
    "argmax_base",
    "argmax_tuned",
    "flipped",
)
_BITS = ("shift_bits", "entropy_base_bits", "entropy_tuned_bits", "kl_bits")


def write_csv(document: Document) -> str:
    """One row for each token. Indices count from 0; the text is exact, including line breaks.

    Log-probabilities are natural logarithms; columns in bits have names that end in ``_bits``. The
    column ``coverage`` exists if the base was behind an endpoint or a pair had another tokenizer.
    """
    pairs, coverage = document.pair_names, ("coverage",) if document.partial else ()
    header = ["index", "token_id", "text", "start", "end", "forced", "sampled_probability"]
    header += [*_FIELDS, *_BITS, *coverage]
    header += [*_of_pairs("alpha", pairs), *_of_pairs("contribution", pairs)]
    header += _of_pairs("logprob_contribution", pairs)
    return _table(
        header,
        (
            [
                token.index,
                token.token_id,
                token.text,
                token.start,
                token.end,
                token.forced,
                token.sampled_probability,
                *(getattr(token.attribution, name) for name in _FIELDS),
                *map(in_bits(token).__getitem__, _BITS),
                *(getattr(token.attribution, name) for name in coverage),
                *token.alphas,
                *token.attribution.contributions,
                *token.attribution.logprob_contributions,
            ]
            for token in document.tokens
        ),
    )


def write_candidates_csv(document: Document) -> str:
    """One row for each candidate of each token, in descending tuned probability.

    Indices count from 0.
    """
    pairs = document.pair_names
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
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
