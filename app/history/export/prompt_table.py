"""The table of scored prompts: one row for each token of the prompt of each role.

``docs/token-table.md`` describes its columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows, tabulate
from app.attribution.measures import BIT
from app.attribution.prompt_alignment import align_prompts
from app.attribution.scored_prompt import PromptToken, ScoredPrompt
from app.history.export.json_file import finite
from app.history.export.token_table import NATS, Cell, Column


def _of(value: Callable[[TokenAttribution], Cell]) -> Callable[[PromptToken], Cell]:
    """A value of a scored token; None of one without scores."""
    return lambda token: None if token.scored is None else value(token.scored.attribution)


COLUMNS: tuple[Column[PromptToken], ...] = (
    Column("index", int, "tokens, from 0", lambda token: token.position),
    Column("token_id", int, "", lambda token: token.token_id),
    Column("text", str, "", lambda token: token.exact_text),
    Column("probability", float, "probability", _of(lambda found: found.p_tuned)),
    Column("logprob", float, NATS, _of(lambda found: found.logprob_tuned)),
    Column("surprisal_bits", float, "bits", lambda token: token.surprisal),
    Column("rank", int, "rank, from 1", _of(lambda found: found.rank_tuned)),
    Column("argmax", int, "token id", _of(lambda found: found.argmax_tuned)),
    Column("entropy_bits", float, "bits", _of(lambda found: found.entropy_tuned / BIT)),
)
"""The columns after ``role`` and ``row``."""


@dataclass(frozen=True, slots=True)
class PromptTable:
    """The tokens of the prompts of several roles.

    Attributes:
        prompts: The prompts.
    """

    prompts: Sequence[ScoredPrompt]

    def header(self) -> list[str]:
        """The names of all columns."""
        return ["role", "row", *(column.name for column in COLUMNS)]

    def rows(self) -> Iterator[list[Cell]]:
        """The values of each token; tokens of several roles in one ``row`` are aligned."""
        aligned = align_prompts([[token.text for token in each.tokens] for each in self.prompts])
        for place, prompt in enumerate(self.prompts):
            rows = {row[place]: number for number, row in enumerate(aligned)}
            for token in prompt.tokens:
                values = (column.of(token) for column in COLUMNS)
                yield [prompt.role, rows[token.position], *values]


def write_prompts_json(
    prompts: Sequence[ScoredPrompt], label: Callable[[int], str], **more: object
) -> str:
    """The prompts as JSON; numbers that are not finite become null.

    Args:
        prompts: The prompts.
        label: Returns the text of a token id.
        more: Further fields, which come first.
    """
    roles = [
        {
            "role": prompt.role,
            "surprisal_bits": prompt.surprisal,
            "tokens": [_fields(token, label) for token in prompt.tokens],
        }
        for prompt in prompts
    ]
    return _written({**more, "prompts": roles})


def token_json(role: str, token: PromptToken, label: Callable[[int], str]) -> str:
    """One token of the prompt of a role as JSON, with its candidates."""
    return _written({"role": role, **_fields(token, label)})


def _fields(token: PromptToken, label: Callable[[int], str]) -> dict[str, Any]:
    candidates = None if token.candidates is None else _candidates(token.candidates, label)
    values = {column.name: column.of(token) for column in COLUMNS}
    return {**values, "candidates": candidates}


def _candidates(rows: CandidateRows, label: Callable[[int], str]) -> dict[str, Any]:
    table = tabulate(rows)
    ids = table.token_ids.tolist()
    return {
        "token_ids": ids,
        "labels": [label(token_id) for token_id in ids],
        "probabilities": table.p_tuned.tolist(),
        "ranks": table.rank_tuned.tolist(),
    }


def _written(value: object) -> str:
    return json.dumps(finite(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
