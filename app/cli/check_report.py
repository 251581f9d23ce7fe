"""The report of ``tuneshift check``, as text or one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from app.checkpoints.preflight_report import (
    DeviceMemory,
    MemoryEstimate,
    Preflight,
    RolePrompt,
    RoleVocabulary,
    TextShare,
    TokenDifference,
    Verdict,
    VocabularyReport,
)
from app.checkpoints.proof.proof_report import (
    Compared,
    about_blocks,
    about_engines,
    as_json,
    figure,
    in_one_line,
)
from app.checkpoints.status import RoleInForce, proof_warnings
from app.wording import size

_LISTED = 12
_VERDICTS = {
    Verdict.IDENTICAL: "identical",
    Verdict.PADDING: "same tokens, different padding",
    Verdict.FEW: "a few tokens differ",
    Verdict.BRIDGED: "another tokenizer, by its bytes",
    Verdict.DIFFERENT: "different vocabulary: refused",
}


def check_as_text(found: Preflight, texts: int = 1) -> str:
    """The report as text for a terminal, with the memory of ``texts`` at once."""
    sections = [
        ("Vocabulary", _vocabulary(found.vocabulary)),
        ("Prompts", (line for prompt in found.prompts for line in _prompt(prompt))),
        (f"Memory, for {found.memory.context:,} tokens", _memory(found.memory, texts)),
        ("Warnings", iter(found.warnings)),
    ]
    lines = [found.recipe.name]
    for title, section in sections:
        inside = [f"  {line}" for line in section]
        if inside:
            lines += ["", title, *inside]
    return "\n".join(lines)


def proofs_as_text(roles: Sequence[RoleInForce]) -> str:
    """A section with what the proof of each role came to."""
    lines = ["", "Proof"]
    for role in roles:
        if role.proof:
            lines.append(f"  {role.role}: {in_one_line(role.proof)}")
            lines += [f"    {_compared(found)}" for found in role.proof.compared]
            about = (about_blocks(role.proof), about_engines(role.proof))
            lines += [f"    {sentence}" for sentence in about if sentence]
    return "\n".join([*lines, *(f"  {warning}" for warning in proof_warnings(roles))])


def _compared(found: Compared) -> str:
    difference = found.difference
    return (
        f"{found.reading}: {figure(difference.largest)} in log-probability, "
        f"{figure(difference.divergence)} nats"
    )


def check_as_json(
    found: Preflight, proved: Sequence[RoleInForce] | None = None, texts: int = 1
) -> str:
    """The report as one JSON object.

    Args:
        found: The result of the check.
        proved: The roles whose proof was asked for.
        texts: How many texts are decoded at once.
    """
    problems = [prompt.problem for prompt in found.prompts if prompt.problem]
    report: dict[str, Any] = {
        "recipe": found.recipe.name,
        "usable": found.vocabulary.usable and not problems,
        "vocabulary": {
            "masked": found.vocabulary.masked,
            "roles": [asdict(role) for role in found.vocabulary.roles],
        },
        "prompts": [asdict(prompt) for prompt in found.prompts],
        "memory": {
            "context": found.memory.context,
            "fits": found.memory.fits,
            "texts": texts,
            "beside": found.memory.beside(texts),
            "texts_at_once": found.memory.texts_at_once,
            "devices": [
                {**asdict(device), "needed": device.needed, "fits": device.fits}
                for device in found.memory.devices
            ],
            "changes": [
                {"label": change.label, "peak": change.peak, "fits": change.fits}
                for change in found.memory.changes
            ],
        },
        "warnings": found.warnings,
    }
    if proved is not None:
        report["proofs"] = {role.role: as_json(role.proof) for role in proved if role.proof}
    return json.dumps(report, ensure_ascii=False)


def _vocabulary(report: VocabularyReport) -> Iterator[str]:
    width = max(len(role.role) for role in report.roles)
    for role in report.roles:
        verdict = f"  {_VERDICTS[role.verdict]}" if role is not report.roles[0] else ""
        tokens = f"{role.tokens:,} tokens, {role.rows:,} rows"
        yield f"{role.role:<{width}}  {tokens}{verdict}{_shares(role.shares)}"
        yield from (f"  {line}" for line in _differences(role))
    if report.usable and report.masked:
        yield f"Masked (never generated): {report.masked:,} of the base's rows"


def _shares(shares: Sequence[TextShare]) -> str:
    """How much of sample texts a bridged role reads exactly; empty for other roles."""
    if not shares:
        return ""
    exact = ", ".join(f"{share.exact_share:.0%} of {share.text}" for share in shares)
    boundaries = ", ".join(f"{share.boundary_share:.0%}" for share in shares)
    return f": {exact} exactly (common boundaries: {boundaries})"


def _differences(role: RoleVocabulary) -> Iterator[str]:
    yield from role.notes
    if role.different:
        yield f"{role.different:,} ids differ from the base's:"
    yield from map(_difference, role.differences[:_LISTED])
    more = role.different - _LISTED
    if more > 0:
        yield f"… and {more:,} more"


def _difference(difference: TokenDifference) -> str:
    base, other = (
        "absent" if token is None else f"“{token}”" for token in (difference.base, difference.other)
    )
    accepted = ", accepted by the recipe" if difference.accepted else ""
    return f"{difference.token_id:>7}  {base} in the base, {other} here{accepted}"


def _prompt(prompt: RolePrompt) -> Iterator[str]:
    if prompt.problem:
        yield f"{prompt.role}: {prompt.problem}"
    else:
        limit = f" of {prompt.context:,}" if prompt.context else ""
        yield f"{prompt.role}, {len(prompt.token_ids):,} tokens{limit}: {prompt.text!r}"


def _memory(memory: MemoryEstimate, texts: int) -> Iterator[str]:
    for device in memory.devices:
        yield _device(device)
        if device.earlier_texts:
            most = size(device.earlier_texts)
            yield f"  KV caches of earlier texts may take {most} of what is left"
    if texts > 1:
        fit = memory.texts_at_once
        verdict = "fit" if fit >= texts else f"{fit} fit, more wait for one another"
        yield f"{texts} texts at once take {size(memory.beside(texts))} more: {verdict}"
    for change in memory.changes:
        enough = "fits" if change.fits else "does not fit yet"
        yield f"  {change.label}: {size(change.peak)}, {enough}"


def _device(device: DeviceMemory) -> str:
    verdict = "fits" if device.fits else "does not fit, but can be loaded anyway"
    return f"{device.device}: needs {size(device.peak)}, free {size(device.free)}: {verdict}"
