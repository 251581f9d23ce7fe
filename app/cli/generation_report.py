"""The reports of ``tuneshift generate``: one JSON object, or a table of shifts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from app.attribution.attribution import LOW_COVERAGE
from app.checkpoints.conversation import Conversation
from app.checkpoints.proof.proof_report import as_json
from app.checkpoints.spec import Recipe
from app.checkpoints.status import RoleInForce
from app.cli.run_record import RunRecord
from app.cli.run_request import RunRequest
from app.decoding.remote import EndpointUsage
from app.decoding.speculation_stats import SpeculationStats
from app.decoding.types import TokenStep
from app.engine.events import Loaded, TokenDecoded
from app.history.export.json_file import finite
from app.wording import decimals, quoted, visible


def json_report(
    request: RunRequest, loaded: Loaded | None, run: RunRecord, run_id: str | None = None
) -> str:
    """The run as one JSON object.

    Non-finite numbers are null, and so is ``run_id`` if it was not saved.
    """
    counts = run.prompt_tokens
    prompt = request.prompt
    messages = prompt.as_json() if isinstance(prompt, Conversation) else None
    report = {
        "run_id": run_id,
        "prompt": None if messages else request.prompt,
        "messages": messages,
        "text": "".join(token.step.text for token in run.tokens),
        "token_ids": [token.step.token_id for token in run.tokens],
        "finish_reason": run.finish_reason,
        "prompt_tokens": {
            "base": counts[0],
            "experts": list(counts[1::2]),
            "antiexperts": list(counts[2::2]),
        },
        "recipe": _recipe_in_force(request.recipe, loaded.roles if loaded else ()),
        "settings": asdict(request.config),
        "alphas": list(request.recipe.alphas),
        "tokens_per_second": run.tokens_per_second,
        "speculation": _speculation(run.speculation),
        "skipped": asdict(run.skipped) if run.skipped else None,
        "captured_steps": asdict(run.captures) if run.captures.captured else None,
        "traffic": _traffic(run.endpoint_usage) if run.endpoint_usage else None,
        "steps": [_step(token) for token in run.tokens],
    }
    return json.dumps(finite(report), ensure_ascii=False, allow_nan=False)


def _traffic(usage: EndpointUsage) -> dict[str, Any]:
    """What was exchanged with an endpoint, under the names that docs/large-bases.md gives."""
    return {
        "requests": usage.requests,
        "sent": usage.sent,
        "received": usage.received,
        "retries": usage.retries,
        "recut": usage.retokenized,
        "left_out": [asdict(token) for token in usage.unmatched],
    }


def _speculation(stats: SpeculationStats | None) -> dict[str, Any] | None:
    if stats is None:
        return None
    return {
        "acceptance": stats.total.acceptance,
        "mean_block": stats.total.mean_block,
        "sources": {name: asdict(counts) for name, counts in stats.sources},
        "plain_tokens": stats.plain,
        "cannot_rewind": stats.unrewindable or None,
    }


def _recipe_in_force(recipe: Recipe, roles: tuple[RoleInForce, ...]) -> dict[str, Any]:
    described = [
        {
            "source": role.source,
            "dtype": role.dtype,
            "device": role.device,
            "engine": role.engine,
            "proof": as_json(role.proof) if role.proof else None,
        }
        for role in roles
    ]
    return {
        "name": recipe.name,
        "base": described[0],
        "pairs": [
            {
                "name": pair.name,
                "expert": described[1 + 2 * index],
                "antiexpert": described[2 + 2 * index],
            }
            for index, pair in enumerate(recipe.pairs)
        ],
    }


def _step(token: TokenDecoded) -> dict[str, Any]:
    step, explained = token.step, token.attribution
    return {
        "token_id": step.token_id,
        "text": step.text,
        "span": [step.start, step.end],
        "alphas": list(step.alphas),
        "skipped": step.skipped,
        "p_base": explained.p_base,
        "p_tuned": explained.p_tuned,
        "logprob_base": explained.logprob_base,
        "logprob_tuned": explained.logprob_tuned,
        "contributions": list(explained.contributions),
        "rank_base": explained.rank_base,
        "rank_tuned": explained.rank_tuned,
        "flipped": explained.flipped,
        "coverage": explained.coverage,
        "bounded": explained.bounded,
    }


def coverage_warning(recipe: Recipe, run: RunRecord) -> str:
    """A warning if little of the base's probability was known, or compared; otherwise empty."""
    known = [token.attribution.coverage for token in run.tokens]
    told = [coverage for coverage in known if coverage is not None]
    if not told or (mean := sum(told) / len(told)) >= LOW_COVERAGE:
        return ""
    if not recipe.base.is_endpoint:
        return (
            f"Pairs of another tokenizer know tokens with {mean:.0%} of the base's probability "
            f"exactly on average, at least {min(told):.0%}."
        )
    return (
        f"The endpoint returned {mean:.0%} of the base's probability on average, at least "
        f"{min(told):.0%}. A larger “top_logprobs” in the recipe gives a better approximation."
    )


_TOKEN_WIDTH = 16


def _spelled(step: TokenStep) -> str:
    """A token in at most ``_TOKEN_WIDTH`` characters."""
    room = _TOKEN_WIDTH - len(quoted(""))
    text = visible(step.text)
    if not text:
        return f"#{step.token_id}"
    return quoted(text if len(text) <= room else f"{text[: room - 1]}…")


def shifts_table(recipe: Recipe, run: RunRecord) -> str:
    """A table with the probabilities of each token and the contribution of each pair."""
    names = [pair.name[:12] for pair in recipe.pairs]
    header = f"{'token':<{_TOKEN_WIDTH}}  {'base':>6}  {'tuned':>6}  " + "  ".join(
        f"{name:>12}" for name in names
    )
    lines = [header, "─" * len(header)]
    for token in run.tokens:
        explained = token.attribution
        spelled = _spelled(token.step)
        shares = "  ".join(
            f"{decimals(share, 3, sign=True):>12}" for share in explained.contributions
        )
        mark = "  ← flip: the base's argmax differs" if explained.flipped else ""
        lines.append(
            f"{spelled:<{_TOKEN_WIDTH}}  {decimals(explained.p_base, 3):>6}  "
            f"{decimals(explained.p_tuned, 3):>6}  {shares}{mark}"
        )
    return "\n".join(lines)
