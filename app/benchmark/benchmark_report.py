"""Benchmark results as a table, as JSON and as an SVG bar chart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from html import escape

from app.benchmark.block_costs import Expected
from app.benchmark.conversation_times import ConversationTimes
from app.benchmark.first_token_times import FirstTokenTime
from app.benchmark.measure import Cost, Results, WayResult
from app.benchmark.token_costs import TokenCost
from app.benchmark.ways import REFERENCE
from app.checkpoints.proof.proof_report import as_json as proof_as_json
from app.checkpoints.proof.proof_report import in_one_line, warning_of
from app.decoding.speculation_stats import DraftCounts

_ROW, _BAR, _LEFT, _WIDTH = 34, 20, 210, 760


def as_text(results: Results) -> str:
    """The results as a table, followed by the details."""
    return "\n".join(
        [
            results.title,
            f"{results.device}, {results.threads} threads; {results.prompt} tokens of prompt, "
            f"{results.tokens} generated; medians of {results.repeats}, in turn",
            "",
            *_table(results),
            "",
            *_details(results),
            *_conversation(results.conversation),
            *_first_tokens(results.first_tokens),
            *_costs("Cost of a step at a context of", results.contexts),
            *_costs("Cost of a step with pairs", results.pairs),
            *_blocks(results),
            *_token_costs(results.token_costs),
        ]
    )


def as_json(results: Results) -> str:
    """The results as a JSON object."""
    found = asdict(results) | {"share_of_bandwidth": results.share_of_bandwidth}
    for way, written in zip(results.ways, found["ways"], strict=True):
        if way.drafts:
            written["acceptance"] = way.drafts.acceptance
            written["mean_block"] = way.drafts.mean_block
    found["proofs"] = {name: proof_as_json(proof) for name, proof in results.proofs}
    return json.dumps(found, ensure_ascii=False)


def as_svg(results: Results) -> str:
    """A bar chart of the tokens per second, as SVG."""
    height = 64 + _ROW * len(results.ways)
    highest = max(way.rate for way in results.ways)
    room = _WIDTH - _LEFT - 150
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="28" font-size="15" fill="#1f2328">{escape(results.title)}: '
        "tokens per second</text>",
    ]
    for place, way in enumerate(results.ways):
        top = 48 + _ROW * place
        width = max(1, round(room * way.rate / highest))
        colour = "#0f766e" if way.name.startswith("Tuneshift") else "#9aa4b2"
        lines += [
            f'<text x="16" y="{top + 15}" fill="#1f2328">{escape(way.name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{width}" height="{_BAR}" rx="3" fill="{colour}"/>',
            f'<text x="{_LEFT + width + 8}" y="{top + 15}" fill="#1f2328">'
            f"{way.rate:,.1f} ({way.ratio:.2f}×)</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])


def _table(results: Results) -> Iterator[str]:
    width = max(len(way.name) for way in results.ways)
    yield f"{'':<{width}}  tokens/s   ratio  first token"
    for way in results.ways:
        yield (
            f"{way.name:<{width}}  {way.rate:>8,.1f}  {way.ratio:>5.2f}×  {way.first:>9,.3f} s"
            f"{_remark(way, results.tokens)}"
        )


def _remark(way: WayResult, tokens: int) -> str:
    if way.drafts is None:
        return ""
    same = "the same text" if way.same == tokens else f"the first {way.same} tokens the same"
    return f"  {_drafts(way.drafts)}{same}"


def _drafts(drafts: DraftCounts) -> str:
    if drafts.acceptance is None or drafts.mean_block is None:
        return "nothing was drafted; "
    return f"{drafts.acceptance:.0%} accepted, {drafts.mean_block:.1f} tokens a block; "


def _details(results: Results) -> Iterator[str]:
    yield (
        f"One by one reads {results.bytes_per_token / 1e9:,.2f} GB per token and uses "
        f"{results.share_of_bandwidth:.0%} of the memory bandwidth of "
        f"{results.bandwidth / 1e9:,.1f} GB/s"
    )
    if results.ways[0].name != REFERENCE:
        yield (
            f"Ratios are those to “{results.ways[0].name}”: a plain loop of forwards needs "
            "transformers for every role (--engine transformers)"
        )
    yield f"A step takes {results.overhead * 1e3:.2f} ms outside the models"
    for name, proof in results.proofs:
        yield warning_of(name, proof) or f"The {name}: {in_one_line(proof)}"
    for name, reason in results.not_captured:
        yield f"The steps of the {name} are not captured as CUDA graphs: {reason}"
    captures = results.captures
    if captures.captured:
        yield (
            f"{captures.captured} kinds of step captured and compared with uncaptured steps "
            f"in {captures.seconds:,.1f} s"
        )
    for reason in captures.differing:
        yield f"Not captured, since a replay differs from the uncaptured step: {reason}"
    yield (
        f"Peak memory {results.peak_memory / 1e9:,.2f} GB, "
        f"{results.packed / 1e9:,.2f} GB of it packed weights"
    )


def _conversation(found: ConversationTimes | None) -> Iterator[str]:
    if found is None:
        return
    yield ""
    yield (
        f"First token at turn {found.turns} of a conversation: {found.new} new tokens after "
        f"{found.before:,}"
    )
    yield f"  everything read anew: {found.anew * 1e3:,.1f} ms"
    yield f"  what was read before reused: {found.continued * 1e3:,.1f} ms"
    yield f"  the new tokens as a prompt: {found.alone * 1e3:,.1f} ms"
    yield f"  reused relative to the new tokens: {found.ratio:.2f}×"


def _first_tokens(times: Sequence[FirstTokenTime]) -> Iterator[str]:
    if times:
        yield ""
        yield "First token by the length of the text"
    for found in times:
        yield (
            f"  {found.size:>6,}: {found.fresh * 1e3:,.1f} ms read anew, "
            f"{found.continued * 1e3:,.1f} ms with the last {found.new} tokens new"
        )


def _costs(title: str, costs: Sequence[Cost]) -> Iterator[str]:
    if costs:
        yield ""
        yield title
    for cost in costs:
        loop = f", plain loop {cost.reference * 1e3:,.1f} ms" if cost.reference else ""
        yield f"  {cost.size:>6,}: {cost.plain * 1e3:,.1f} ms{loop}"


def _blocks(results: Results) -> Iterator[str]:
    if results.blocks:
        yield ""
        yield "Cost of a block of tokens, for each model context alone"
    for block in results.blocks:
        each = ", ".join(f"{seconds * 1e3:,.1f}" for seconds in block.seconds)
        yield f"  {block.size:>6,}: {each} ms"
    if results.expected:
        yield "Expected speedup by drafts of the first expert, by acceptance rate"
    for found in results.expected:
        yield f"  {found.accepted:>6.3g}: {_expected(found)}"


def _expected(found: Expected) -> str:
    if not found.length:
        return "none"
    return f"{found.ratio:.2f}×, with drafts of {found.length} tokens"


def _token_costs(costs: Sequence[TokenCost]) -> Iterator[str]:
    if costs:
        yield ""
        yield "Processor time a token outside the models, in ms"
        yield (
            "  ids      pairs  combine  sample  attribution  candidates  candidates, eight at once"
        )
    for cost in costs:
        yield (
            f"  {cost.vocabulary:<7,}  {cost.pairs:>5}  {cost.combine * 1e3:>7.3f}  "
            f"{cost.sample * 1e3:>6.3f}  {cost.attribute * 1e3:>11.3f}  "
            f"{cost.candidates * 1e3:>10.3f}  {cost.candidates_together * 1e3:>25.3f}"
        )
