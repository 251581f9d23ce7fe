"""The data of the HTML report's script: the numbers of every token."""

from __future__ import annotations

import math
from typing import Any

from app.attribution.candidates import CandidateTable
from app.attribution.explained_token import ExplainedToken
from app.colors import LIGHT
from app.history.export.document import Document, one_line

_MOST_CANDIDATES = 20
_DIGITS = 5


def report_data(document: Document) -> dict[str, Any]:
    """Plain values for JSON; non-finite numbers become None."""
    tables, skipped = document.tables(), document.skipped
    return {
        "pairs": [one_line(name) for name in document.pair_names],
        "colors": len(LIGHT.pairs),
        "unit": str(document.shown.unit),
        "tokens": [
            {**_token(document, token, table), "skipped": token.index in skipped}
            for token, table in zip(document.tokens, tables, strict=True)
        ],
    }


def _token(
    document: Document, token: ExplainedToken, table: CandidateTable | None
) -> dict[str, Any]:
    explained, amount = token.attribution, document.shown.amount
    return {
        "index": token.index,
        "id": token.token_id,
        "name": document.name(token),
        "forced": token.forced,
        "bookmark": token.index in document.bookmarks,
        "flipped": explained.flipped,
        "alphas": [_number(alpha) for alpha in token.alphas],
        "p_base": _number(explained.p_base),
        "p_tuned": _number(explained.p_tuned),
        "sampled": _number(token.sampled_probability),
        "shift": _number(amount(explained.shift)),
        "rank_base": explained.rank_base,
        "rank_tuned": explained.rank_tuned,
        "entropy_base": _number(amount(explained.entropy_base)),
        "entropy_tuned": _number(amount(explained.entropy_tuned)),
        "kl": _number(amount(explained.kl)),
        "contributions": [_number(share) for share in explained.contributions],
        "argmax_base": one_line(document.run.label(explained.argmax_base)),
        "argmax_tuned": one_line(document.run.label(explained.argmax_tuned)),
        "candidates": _candidates(document, token, table) if table else [],
        **({} if explained.coverage is None else {"coverage": _number(explained.coverage)}),
        **({} if explained.bounded is None else {"bounded": _number(explained.bounded)}),
    }


def _candidates(
    document: Document, token: ExplainedToken, table: CandidateTable
) -> list[list[Any]]:
    """The most probable candidates after tuning, and the chosen token if it is not among them."""
    ids = table.token_ids.tolist()
    shown = [i for i, id_ in enumerate(ids) if i < _MOST_CANDIDATES or id_ == token.token_id]
    return [
        [
            ids[i],
            one_line(document.run.label(ids[i])),
            _number(float(table.p_base[i])),
            _number(float(table.p_tuned[i])),
            int(table.rank_base[i]),
        ]
        for i in shown
    ]


def _number(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
