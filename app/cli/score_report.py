"""What ``tuneshift score`` prints: prompts and texts with their scores, and comparisons."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.attribution.explained_token import ExplainedToken
from app.attribution.scored_prompt import ScoredPrompt
from app.checkpoints.conversation import Conversation, RunPrompt
from app.checkpoints.spec import Recipe
from app.evaluation.run_comparison import SharedTokens, compare_shared
from app.history.export.csv_file import write_prompts_csv, write_tokens_csv
from app.history.export.json_file import finite
from app.history.export.parquet_file import PARQUET, write_parquet, write_prompts_parquet
from app.history.export.prompt_table import write_prompts_json
from app.history.export.token_table import TokenTable
from app.wording import decimals, quoted

_CSV, _JSON = "csv", "json"


@dataclass(frozen=True, slots=True, eq=False)
class ScoredText:
    """A scored text as a run of the table of tokens.

    Attributes:
        run_id: What tells its rows from those of the other text.
        recipe: The recipe whose models scored it.
        tokens: Its tokens.
    """

    run_id: str
    recipe: Recipe
    tokens: Sequence[ExplainedToken]

    @property
    def pair_names(self) -> tuple[str, ...]:
        return tuple(pair.name for pair in self.recipe.pairs)

    @property
    def bookmarks(self) -> frozenset[int]:
        return frozenset()

    @property
    def skipped(self) -> frozenset[int]:
        return frozenset()


def prompt_report(
    format_: str,
    prompt: RunPrompt,
    prompts: Sequence[ScoredPrompt],
    label: Callable[[int], str],
) -> str | bytes:
    """The prompts of all roles in a format of ``tuneshift score``."""
    if format_ == PARQUET:
        return write_prompts_parquet(prompts)
    if format_ == _CSV:
        return write_prompts_csv(prompts)
    if format_ == _JSON:
        return write_prompts_json(prompts, label, **_prompt_fields(prompt))
    lines = []
    for each in prompts:
        total = each.surprisal
        of_all = "" if total is None else f", {decimals(total, 2)} bits"
        lines += [f"{each.role}: {len(each.tokens):,} tokens{of_all}", ""]
        lines.append(f"{'#':>6}  {'id':>7}  {'p':>7}  {'bits':>6}  {'rank':>7}  token")
        for token in each.tokens:
            numbers = f"{'':>7}  {'':>6}  {'':>7}"
            if token.scored is not None and token.surprisal is not None:
                told = token.scored.attribution
                numbers = (
                    f"{decimals(told.p_tuned, 4):>7}  {decimals(token.surprisal, 2):>6}  "
                    f"{told.rank_tuned:>7,}"
                )
            place = f"{token.position + 1:>6}  {token.token_id:>7}"
            lines.append(f"{place}  {numbers}  {quoted(token.text)}")
        lines.append("")
    return "\n".join(lines)


def text_report(
    format_: str,
    prompt: RunPrompt,
    first: ScoredText,
    second: ScoredText | None,
    label: Callable[[int], str],
    stored: Sequence[str] = (),
) -> str | bytes:
    """A scored text, or the comparison of two, in a format of ``tuneshift score``.

    ``stored`` are the names of roles that have the same weights in both.
    """
    texts = [first] if second is None else [first, second]
    if format_ == PARQUET:
        return write_parquet(texts)
    if format_ == _CSV:
        return write_tokens_csv(texts)
    compared = None
    if second is not None:
        compared = compare_shared(first.tokens, second.tokens, len(first.tokens))
    if format_ == _JSON:
        return _json(prompt, first, second, compared, stored)
    table = _text_table(first, label) if second is None else _comparison(first, second, label)
    return "\n".join([*table, *_summary(first, second, compared, stored)]) + "\n"


def _json(
    prompt: RunPrompt,
    first: ScoredText,
    second: ScoredText | None,
    compared: SharedTokens | None,
    stored: Sequence[str],
) -> str:
    report: dict[str, Any] = {
        **_prompt_fields(prompt),
        "text": "".join(token.text for token in first.tokens),
        "tokens": _records(first),
    }
    if second is not None:
        interval = compared.interval if compared else None
        report["against"] = {
            "name": second.run_id,
            "not_compared": list(stored),
            "tokens": _records(second),
            "difference_bits": compared.bits.tolist() if compared else [0.0] * len(first.tokens),
            "argmax_changed": sorted(compared.changed) if compared else [],
            "mean_difference_bits": interval.value if interval else None if compared else 0.0,
            "interval_bits": [interval.low, interval.high] if interval else None,
        }
    return json.dumps(finite(report), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _prompt_fields(prompt: RunPrompt) -> dict[str, Any]:
    if isinstance(prompt, Conversation):
        return {"messages": prompt.as_json()}
    return {"prompt": prompt}


def _records(text: ScoredText) -> list[dict[str, Any]]:
    table = TokenTable([text])
    return [dict(zip(table.header()[1:], row[1:], strict=True)) for row in table.rows()]


def _text_table(text: ScoredText, label: Callable[[int], str]) -> list[str]:
    lines = [f"{'#':>6}  {'id':>7}  {'base':>7}  {'tuned':>7}  {'bits':>6}  {'rank':>7}  token"]
    for token in text.tokens:
        told = token.attribution
        shift = told.shift / math.log(2)
        lines.append(
            f"{token.index + 1:>6}  {token.token_id:>7}  {decimals(told.p_base, 4):>7}  "
            f"{decimals(told.p_tuned, 4):>7}  {decimals(shift, 2, sign=True):>6}  "
            f"{told.rank_tuned:>7,}  "
            f"{quoted(token.text or label(token.token_id))}"
        )
    return [*lines, ""]


def _comparison(first: ScoredText, second: ScoredText, label: Callable[[int], str]) -> list[str]:
    """The probability of each token under both, and the tokens whose argmax changes."""
    widths = [max(len(each.run_id), 7) for each in (first, second)]
    heads = [f"{each.run_id:>{width}}" for each, width in zip((first, second), widths, strict=True)]
    lines = [f"{'#':>6}  {heads[0]}  {heads[1]}  {'bits':>6}  token"]
    for one, other in zip(first.tokens, second.tokens, strict=True):
        before, after = one.attribution, other.attribution
        bits = (after.logprob_tuned - before.logprob_tuned) / math.log(2)
        changed = ""
        if before.argmax_tuned != after.argmax_tuned:
            ids = before.argmax_tuned, after.argmax_tuned
            changed = f"  ← argmax {' → '.join(quoted(label(id_)) for id_ in ids)}"
        lines.append(
            f"{one.index + 1:>6}  {decimals(before.p_tuned, 4):>{widths[0]}}  "
            f"{decimals(after.p_tuned, 4):>{widths[1]}}  {decimals(bits, 2, sign=True):>6}  "
            f"{quoted(one.text or label(one.token_id))}{changed}"
        )
    return [*lines, ""]


def _summary(
    first: ScoredText,
    second: ScoredText | None,
    compared: SharedTokens | None,
    stored: Sequence[str],
) -> list[str]:
    count = len(first.tokens)
    if second is None:
        total = -sum(token.attribution.logprob_tuned for token in first.tokens) / math.log(2)
        return [f"{count:,} tokens, {decimals(total, 2)} bits after tuning"]
    same = (
        [f"not compared, since their weights are used as they are stored: {', '.join(stored)}"]
        if stored
        else []
    )
    if compared is None:
        return [f"{count:,} tokens: all probabilities are the same", *same]
    said = [f"{count:,} tokens: argmax changed at {len(compared.changed):,}"]
    if (found := compared.interval) is not None:
        between = (
            f" (95%: {decimals(found.low, 3, sign=True)} to {decimals(found.high, 3, sign=True)})"
        )
        certain = between if math.isfinite(found.low) else ""
        said.append(f"mean difference {decimals(found.value, 3, sign=True)} bits{certain}")
    return [f"{second.run_id} against {first.run_id}: {', '.join(said)}", *same]
