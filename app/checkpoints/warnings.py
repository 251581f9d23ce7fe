"""Warnings of the check: properties of a usable recipe that may lead to unexpected results."""

from __future__ import annotations

from collections.abc import Iterator

from app.checkpoints.conversation import RunPrompt, contents
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.preflight_report import MemoryEstimate, VocabularyReport
from app.checkpoints.spec import CHAT
from app.checkpoints.vocabulary.compare import end_ids
from app.checkpoints.vocabulary.tokenizer_proof import tokenizer_notes

_SHOWN = 20
"""Characters to show at each side of a change in a prompt."""


def warnings(
    opened: OpenedRecipe, vocabulary: VocabularyReport, memory: MemoryEstimate, prompt: RunPrompt
) -> Iterator[str]:
    """The warnings for a recipe, one or two sentences each.

    Args:
        opened: The opened recipe.
        vocabulary: The comparison of its vocabularies.
        memory: The estimate of its memory.
        prompt: The prompt, before any prompt format is applied.
    """
    yield from tokenizer_notes(opened.roles)
    yield from _dated_prompts(opened.roles)
    yield from _lossy_tokenizers(opened.roles, contents(prompt))
    yield from _softcapping(opened.roles)
    yield from _negative_alphas(opened)
    yield from _adapters_of_others(opened.roles)
    yield from _uncounted_caches(memory)
    usable = frozenset(range(vocabulary.roles[0].rows)).difference(vocabulary.masked_ids)
    yield from _accepted_and_missing(opened, usable)
    if vocabulary.usable:
        yield from _masked_ends(opened.roles, usable)


def _dated_prompts(roles: tuple[OpenedRole, ...]) -> Iterator[str]:
    dated = [
        role.name
        for role in roles
        if role.spec.prompt == CHAT and "strftime_now" in str(role.tokenizer.chat_template)
    ]
    if dated:
        yield (
            f"The chat template of the {' and the '.join(dated)} inserts today's date: the same "
            "prompt has other tokens on another day."
        )


def _lossy_tokenizers(roles: tuple[OpenedRole, ...], prompt: str) -> Iterator[str]:
    """Warn if decoding the encoded prompt changes it; added white space is ignored."""
    read = {role.name: _read_back(role, prompt) for role in roles}
    changed = [name for name, text in read.items() if text.strip() != prompt.strip()]
    if changed:
        yield (
            f"The tokenizer of the {' and the '.join(changed)} does not keep the prompt as it was "
            f"typed: the model reads “{_around_change(prompt, read[changed[0]])}”."
        )


def _read_back(role: OpenedRole, prompt: str) -> str:
    tokenizer = role.tokenizer.backend_tokenizer
    ids = tokenizer.encode(prompt, add_special_tokens=False).ids
    text: str = tokenizer.decode(ids, skip_special_tokens=False)
    return text


def _around_change(prompt: str, read: str) -> str:
    """The part of ``read`` around the first character that differs from ``prompt``."""
    prompt, read = prompt.strip(), read.strip()
    pairs = enumerate(zip(prompt, read, strict=False))
    place = next((at for at, (a, b) in pairs if a != b), min(len(prompt), len(read)))
    start, end = max(place - _SHOWN, 0), place + _SHOWN
    return f"{'…' if start else ''}{read[start:end]}{'…' if end < len(read) else ''}"


def _softcapping(roles: tuple[OpenedRole, ...]) -> Iterator[str]:
    caps = {role.name: _softcap(role) for role in roles}
    if len(set(caps.values())) > 1:
        said = ", ".join(f"{name} {cap or 'none'}" for name, cap in caps.items())
        yield (
            f"The roles have different logit softcapping ({said}): capped and uncapped logits "
            "have different scales, so another α than usual may be needed."
        )


def _softcap(role: OpenedRole) -> float | None:
    return getattr(role.config.get_text_config(), "final_logit_softcapping", None) or None


def _negative_alphas(opened: OpenedRecipe) -> Iterator[str]:
    for pair, expert in zip(opened.recipe.pairs, opened.roles[1::2], strict=True):
        chat = expert.spec.prompt == CHAT or bool(expert.tokenizer.chat_template)
        if pair.alpha < 0 and chat:
            yield (
                f"α of “{pair.name}” is negative and its expert looks tuned for safe conversation: "
                "expect text that the expert would refuse to write."
            )


def _adapters_of_others(roles: tuple[OpenedRole, ...]) -> Iterator[str]:
    """Warn of adapters over another Hub model than they were trained on.

    Folders are not compared, since their names say nothing.
    """
    for role in roles:
        over = role.spec.over
        if role.files.adapter is None or not over.startswith("hub:"):
            continue
        trained_on = role.files.adapter.base_name
        used_over = over.removeprefix("hub:").partition("@")[0]
        if trained_on and trained_on.lower() != used_over.lower():
            yield f"The adapter of the {role.name} was trained on {trained_on}, not {used_over}."


def _uncounted_caches(memory: MemoryEstimate) -> Iterator[str]:
    if memory.uncounted:
        yield (
            f"The configuration of the {' and the '.join(memory.uncounted)} does not say how large "
            "its KV cache is: the memory estimate assumes a very large one."
        )


def _accepted_and_missing(opened: OpenedRecipe, usable: frozenset[int]) -> Iterator[str]:
    missing = [index for index in opened.recipe.accepted_ids if index not in usable]
    if missing:
        listed = ", ".join(map(str, missing[:3])) + (" …" if len(missing) > 3 else "")
        yield f"The recipe accepts ids that not every role has, which stay masked: {listed}."


def _masked_ends(roles: tuple[OpenedRole, ...], usable: frozenset[int]) -> Iterator[str]:
    for role in roles[1::2]:
        ends = end_ids(role)
        if ends and not ends & usable:
            spelled = ", ".join(
                f"“{role.tokenizer.convert_ids_to_tokens(index)}” ({index})"
                for index in sorted(ends)
            )
            yield (
                f"The {role.name} ends its texts with {spelled}, which is masked: text may run on "
                "to the token limit. Accept that id in the recipe, or use a stop string."
            )
