"""JSON export of a run: tokens, candidates, and everything needed to repeat it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.attribution.candidates import CandidateTable
from app.attribution.explained_token import ExplainedToken
from app.history.export.document import Document, in_bits

FORMAT = 2
_IN_BITS = ("entropy_base", "entropy_tuned", "kl")


def write_json(document: Document) -> str:
    """The run as JSON, as :func:`json_pieces` has it."""
    return "".join(json_pieces(document))


def json_pieces(document: Document) -> Iterator[str]:
    """The run as JSON in pieces, of which long runs of many pairs have hundreds of megabytes.

    Each token is on a line of its own. Indices count from 0. Log-probabilities are natural
    logarithms; fields in bits have names that end in ``_bits``. Numbers that are not finite become
    null.
    """
    run, summary = document.run, document.run.summary
    conversation = run.conversation
    report = {
        "format": FORMAT,
        "run_id": run.id,
        "kind": summary.kind,
        "role": run.role,
        "created": summary.created.isoformat(),
        "title": summary.shown_title,
        "starred": summary.starred,
        "tags": list(summary.tags),
        "parent": summary.parent or None,
        "fork_index": summary.fork_index,
        "follows": summary.follows or None,
        "prompt": None if conversation else run.prompt,
        "messages": conversation.as_json() if conversation else None,
        "text": document.text,
        "finish_reason": summary.finish_reason or None,
        "error": summary.error or None,
        "recipe": run.recipe_text,
        "roles": [asdict(role) for role in run.roles],
        "settings": asdict(run.config),
        "prompt_tokens": list(run.prompt_tokens),
        "versions": run.versions,
        "figures": asdict(run.figures) if run.figures else None,
        "pairs": list(document.pair_names),
    }
    written = json.dumps(finite(report), ensure_ascii=False, allow_nan=False, indent=1)
    head = written.removesuffix("\n}")
    yield f'{head},\n "tokens": '
    yield from _token_pieces(document)
    yield "\n}\n"


def write_tokens(document: Document) -> str:
    """The tokens alone, as they stand in :func:`write_json`."""
    return "".join((*_token_pieces(document), "\n"))


def _token_pieces(document: Document) -> Iterator[str]:
    """A list with a line for each token: Python's fast encoder can write no indentation."""
    between = "[\n  "
    for token in _tokens(document):
        yield between + json.dumps(token, ensure_ascii=False, allow_nan=False)
        between = ",\n  "
    yield "\n ]" if document.tokens else "[]"


def _tokens(document: Document) -> Iterator[dict[str, Any]]:
    skipped = document.skipped
    for token, table in zip(document.tokens, document.tables(), strict=True):
        described = {
            "index": token.index,
            "token_id": token.token_id,
            "label": document.run.label(token.token_id),
            "text": token.text,
            "span": [token.start, token.end],
            "forced": token.forced,
            "bookmark": token.index in document.bookmarks,
            "alphas": list(token.alphas),
            "skipped": token.index in skipped,
            "sampled_probability": token.sampled_probability,
            **_measures(token),
            "flipped": token.attribution.flipped,
        }
        yield {**finite(described), "candidates": table and _candidates(document, table)}


def _measures(token: ExplainedToken) -> dict[str, Any]:
    explained = asdict(token.attribution)
    kept = {name: value for name, value in explained.items() if name not in _IN_BITS}
    return {**kept, **in_bits(token)}


def _candidates(document: Document, table: CandidateTable) -> dict[str, Any]:
    ids = table.token_ids.tolist()
    return {
        "token_ids": ids,
        "labels": [document.run.label(token_id) for token_id in ids],
        "p_base": _numbers(table.p_base),
        "p_tuned": _numbers(table.p_tuned),
        "p_experts": _numbers(table.p_experts),
        "p_antiexperts": _numbers(table.p_antiexperts),
        "contributions": _numbers(table.contributions),
        "rank_base": _numbers(table.rank_base),
        "rank_tuned": _numbers(table.rank_tuned),
        "exact": table.exact,
        "estimated": table.estimated,
    }


def _numbers(values: NDArray[Any]) -> Any:
    """The numbers of an array as lists; those that are not finite become None."""
    return values.tolist() if np.isfinite(values).all() else finite(values.tolist())


def finite(value: Any) -> Any:
    """``value`` for JSON: non-finite numbers become None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
