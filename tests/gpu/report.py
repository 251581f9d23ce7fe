"""The result of ``make gpu-check`` as a table, for a person and for docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from app.benchmark.ways import ALONE, ALONE_HERE, PLAIN, REFERENCE, SPECULATIVE, UNCAPTURED

GOAL_OF_BANDWIDTH = 0.75
GOAL_OF_CAPTURE = 3.0
GOAL_OF_WINDOW = 0.97


def passed(found: dict[str, Any]) -> bool:
    """Whether everything ran and nothing was wrong; missed goals of speed do not count."""
    return all(result["status"] == 0 for result in found["parts"].values())


def as_table(found: dict[str, Any]) -> str:
    """Everything as Markdown."""
    return "\n".join(
        [
            *_environment(found),
            *_parts(found),
            *_figures(found),
            *_compiled(found),
            *_window(found),
            "",
        ]
    )


def _environment(found: dict[str, Any]) -> Iterator[str]:
    yield ", ".join(f"{name} {what}" for name, what in found["environment"].items())
    yield ""


def _parts(found: dict[str, Any]) -> Iterator[str]:
    yield "| part | result | seconds |"
    yield "|---|---|---|"
    for name, part in found["parts"].items():
        yield f"| {name} | {_outcome(part)} | {part.get('seconds', '')} |"
    yield ""
    for name, part in found["parts"].items():
        if part["status"] != 0:
            yield f"**{name}**:"
            yield "```"
            yield part.get("output") or json.dumps(part["result"].get("wrong"), indent=1)
            yield "```"


def _outcome(part: dict[str, Any]) -> str:
    if part["status"] is None:
        return "not run"
    if "summary" in part:
        return " ".join(part["summary"]).strip("= ")
    result = part.get("result", {})
    if "tried" in result:
        return f"{result['tried']} tried, {len(result['wrong'])} wrong"
    return "done" if part["status"] == 0 else f"failed with status {part['status']}"


def _figures(found: dict[str, Any]) -> Iterator[str]:
    for part in found["parts"].values():
        result = part.get("result", {})
        if "ways" in result:
            yield from _rates(result)
            yield from _goals(result)
            yield from _details(result)


def _rates(result: dict[str, Any]) -> Iterator[str]:
    yield f"### {result['title']}"
    yield ""
    yield "| way | tokens/s | ratio to the plain loop | first token, s |"
    yield "|---|---|---|---|"
    for way in result["ways"]:
        accepted = way.get("acceptance")
        drafts = "" if accepted is None else f", {accepted:.0%} of drafts accepted"
        yield (
            f"| {way['name']}{drafts} | {way['rate']:,.1f} | {way['ratio']:.2f}× "
            f"| {way['first']:.3f} |"
        )
    yield ""


def _goals(result: dict[str, Any]) -> Iterator[str]:
    rates = {way["name"]: way["rate"] for way in result["ways"]}
    share = result["share_of_bandwidth"]
    yield (
        f"One by one uses {share:.0%} of {result['bandwidth'] / 1e9:,.0f} GB/s "
        f"(goal {GOAL_OF_BANDWIDTH:.0%}: {_met(share, GOAL_OF_BANDWIDTH)})."
    )
    if UNCAPTURED in rates:
        ratio = rates[PLAIN] / rates[REFERENCE]
        yield (
            f"Captured steps are {ratio:.2f} times the plain loop (goal for small models "
            f"{GOAL_OF_CAPTURE:g}: {_met(ratio, GOAL_OF_CAPTURE)}) and "
            f"{rates[PLAIN] / rates[UNCAPTURED]:.2f} times uncaptured steps."
        )
    yield (
        f"Drafts: {rates[SPECULATIVE] / rates[PLAIN]:.2f} times one by one. The base alone: "
        f"{rates[ALONE_HERE] / rates[ALONE]:.2f} times its plain loop."
    )


def _details(result: dict[str, Any]) -> Iterator[str]:
    for name, why in result["not_captured"]:
        yield f"Not captured: the {name}, {why}."
    rates = (f"{each['accepted']:.0%}: {each['ratio']:.2f}" for each in result["expected"])
    yield f"Drafts by share accepted, times one by one, from times of blocks: {', '.join(rates)}."
    for size, seconds in result.get("first_token", {}).items():
        yield (
            f"First token after {int(size):,}: {seconds['tuneshift'] * 1e3:,.0f} ms, plain passes "
            f"{seconds['plain'] * 1e3:,.0f} ms."
        )
    yield ""


def _compiled(found: dict[str, Any]) -> Iterator[str]:
    for part in found["parts"].values():
        result = part.get("result", {})
        if "compiled_step" in result:
            yield (
                f"{result['title']}: the base alone by torch.compile with a static cache, "
                f"{1 / result['compiled_step']:,.1f} tokens/s after {result['warm_up']:,.0f} s."
            )


def _window(found: dict[str, Any]) -> Iterator[str]:
    result = found["parts"].get("window", {}).get("result", {}).get("generating")
    if result:
        ratio = result["ratio_median"]
        yield (
            f"The window generates at {ratio:.2f} of headless speed "
            f"(goal {GOAL_OF_WINDOW:g}: {_met(ratio, GOAL_OF_WINDOW)})."
        )


def _met(value: float, goal: float) -> str:
    return "met" if value >= goal else "missed"
