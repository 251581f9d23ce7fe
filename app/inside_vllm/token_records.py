"""Records of what the pairs did to the tokens of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from app.attribution.candidates import TOP_ROLE, TOP_TUNED
from app.attribution.shapley import coalitions
from app.attribution.step_attribution import attribute_reduced, reduced_candidates
from app.decoding.combining import Pair
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.row_reduction import RowReducer, RowReduction
from app.decoding.types import FloatArray, ReducedRows
from app.inside_vllm.pair_steps import ServedText

Record = dict[str, Any]


@dataclass(slots=True, eq=False)
class _Recorded:
    """A text whose tokens are recorded.

    Attributes:
        detokenizer: Decodes its output.
        decoded: How many ids of the output it has read.
        rows: Raw logits of the base and of every model context of the pairs after ``at`` ids of the
            output, [1 + C, V]; None until there are some.
        at: The index of the token that is sampled from ``rows``.
    """

    detokenizer: Detokenizer
    decoded: int = 0
    rows: Tensor | None = None
    at: int = 0


@dataclass(slots=True)
class TokenRecords:
    """Keeps the rows of texts until the token that is sampled from them is known.

    Args:
        ensemble: The models of the pairs, without a base.
        tokenizer: The tokenizer of the base.
    """

    _ensemble: Ensemble
    _tokenizer: Tokenizer
    _texts: dict[ServedText, _Recorded] = field(default_factory=dict)

    def begin(self, text: ServedText, prompt: Sequence[int]) -> None:
        """Record the tokens of a text that follows the base's prompt."""
        self._texts[text] = _Recorded(Detokenizer(self._tokenizer, prompt))

    def __contains__(self, text: ServedText) -> bool:
        """Whether the tokens of a text are recorded."""
        return text in self._texts

    def keep(self, text: ServedText, base: Tensor, pairs: Tensor) -> None:
        """Keep the rows that the next token of a text is sampled from.

        Args:
            text: A text that is recorded.
            base: The base's logits, [V].
            pairs: Those of every model context of the pairs, [C, V].
        """
        recorded = self._texts[text]
        recorded.rows = torch.cat([base[None].float(), pairs.to(base)])
        recorded.at = len(text.output)

    def texts(self) -> list[ServedText]:
        """The texts whose tokens are recorded."""
        return list(self._texts)

    def known(self, text: ServedText) -> Record | None:
        """The record of the token that was sampled from the kept rows, if it is known by now."""
        recorded = self._texts[text]
        if recorded.rows is None or len(text.output) <= recorded.at:
            return None
        token = text.output[recorded.at]
        if token < 0:  # vLLM has not filled it in
            return None
        for earlier in text.output[recorded.decoded : recorded.at]:
            recorded.detokenizer.push(earlier)
        said = recorded.detokenizer.push(token) or ""
        recorded.decoded = recorded.at + 1
        rows, recorded.rows = recorded.rows, None
        with torch.inference_mode():
            reduced = self._reducer().reduce(rows, text.alphas, token)
        return {"index": recorded.at, **_record(reduced, token, said, text.alphas)}

    def leave(self, text: ServedText) -> None:
        """Free the rows of a text."""
        self._texts.pop(text, None)

    def _reducer(self) -> RowReducer:
        ensemble = self._ensemble
        pairs = tuple(Pair(p.name, p.expert + 1, p.antiexpert + 1) for p in ensemble.pairs)
        subsets = tuple(tuple(map(bool, row)) for row in coalitions(len(pairs)).members)
        size = ensemble.vocabulary_size
        reduction = RowReduction(1 + len(ensemble.names), size, pairs, subsets, TOP_TUNED, TOP_ROLE)
        return RowReducer(reduction, keep_rows=False, everywhere=True)


def _record(reduced: ReducedRows, token: int, text: str, alphas: tuple[float, ...]) -> Record:
    found = attribute_reduced(reduced, alphas)
    rows = reduced_candidates(reduced, alphas)
    return {
        "token_id": token,
        "text": text,
        "p_base": found.p_base,
        "p_tuned": found.p_tuned,
        "contributions": list(found.contributions),
        "alphas": list(alphas),
        "flipped": found.flipped,
        "rank_base": found.rank_base,
        "rank_tuned": found.rank_tuned,
        "argmax_base": found.argmax_base,
        "argmax_tuned": found.argmax_tuned,
        "logprob_base": found.logprob_base,
        "logprob_tuned": found.logprob_tuned,
        "logprob_contributions": list(found.logprob_contributions),
        "entropy_base": found.entropy_base,
        "entropy_tuned": found.entropy_tuned,
        "kl": found.kl,
        "candidates": {
            "token_ids": rows.token_ids.tolist(),
            "rank_base": rows.rank_base.tolist(),
            "rank_tuned": rows.rank_tuned.tolist(),
            "base": _numbers(rows.base),
            "experts": list(map(_numbers, rows.experts)),
            "antiexperts": list(map(_numbers, rows.antiexperts)),
            "log_normalizers": rows.log_normalizers.tolist(),
            "coalition_log_normalizers": rows.coalition_log_normalizers.tolist(),
        },
    }


def _numbers(values: FloatArray) -> list[float | None]:
    """Logits in as many digits as they have; null for −∞, which JSON does not have."""
    return [float(str(value)) if np.isfinite(value) else None for value in values]
