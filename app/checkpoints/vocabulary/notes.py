"""Notes on other differences between two tokenizers, in sentences: rows, flags, parts, ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.checkpoints.vocabulary.tokens import RoleTokens, Spelling

_FLAGS = ("special", "normalized", "lstrip", "rstrip", "single_word")
_EXAMPLES = 3


def notes(base: RoleTokens, role: RoleTokens, different: Sequence[int]) -> tuple[str, ...]:
    """One sentence for each kind of difference between ``role`` and ``base``.

    Args:
        base: The tokens of the base.
        role: The tokens of the other role.
        different: The ids whose tokens differ.
    """
    return (
        *_rows(base, role),
        *_tokens_without_row(role),
        *_more_tokens(base, role, different),
        *_flags(base, role),
        *_parts(base, role),
        *_ends(base, role),
    )


def _rows(base: RoleTokens, role: RoleTokens) -> Iterator[str]:
    if role.rows != base.rows:
        yield (
            f"Its output layer has {role.rows:,} rows, the base's {base.rows:,}; "
            "rows that not every role has are masked."
        )


def _tokens_without_row(role: RoleTokens) -> Iterator[str]:
    spelling = role.tokens.spelling
    ids = [index for index in range(role.rows, len(spelling)) if spelling[index] is not None]
    if ids:
        yield f"It has no output row for {_listed(ids, spelling)}."


def _more_tokens(base: RoleTokens, role: RoleTokens, different: Sequence[int]) -> Iterator[str]:
    here, there = base.tokens.spelling, role.tokens.spelling
    ids = [index for index in different if here[index] is None]
    if ids:
        them = "them" if len(ids) > 1 else "it"
        yield f"The base does not know {_listed(ids, there)}, so it cannot generate {them}."


def _listed(ids: Sequence[int], spelling: Spelling) -> str:
    named = ", ".join(_spelled(index, spelling) for index in ids[:_EXAMPLES])
    more = len(ids) - _EXAMPLES
    if more <= 0:
        return named or "no token"
    return f"{named} and {more:,} more token{'s' if more > 1 else ''}"


def _spelled(index: int, spelling: Spelling) -> str:
    """The token of an id, or “no token”: a configuration may have ids that its tokenizer lacks."""
    token = spelling[index] if index < len(spelling) else None
    return f"id {index}, which is no token" if token is None else f"“{token}” ({index})"


def _flags(base: RoleTokens, role: RoleTokens) -> Iterator[str]:
    here, there = base.tokens.added, role.tokens.added
    both = [i for i in sorted(here.keys() & there.keys()) if here[i].content == there[i].content]
    for flag in _FLAGS:
        for on in (True, False):
            ids = [i for i in both if getattr(there[i], flag) is on is not getattr(here[i], flag)]
            if ids:
                mine, its = ("on", "off") if on else ("off", "on")
                listed = _listed(ids, role.tokens.spelling)
                yield f"{listed}: “{flag}” is {mine} here and {its} in the base."


def _parts(base: RoleTokens, role: RoleTokens) -> Iterator[str]:
    here, there = base.tokens.parts, role.tokens.parts
    splitting = [name for name in here if name != "decoder" and here[name] != there[name]]
    if splitting:
        yield (
            f"Another {' and '.join(splitting)} than the base's: "
            "the same text may become other tokens."
        )
    if here["decoder"] != there["decoder"]:
        yield "Another decoder than the base's: text is shown as the base decodes it."


def _ends(base: RoleTokens, role: RoleTokens) -> Iterator[str]:
    if role.end_ids != base.end_ids:
        here, there = (_listed(sorted(side.end_ids), side.tokens.spelling) for side in (base, role))
        yield f"It ends at {there}, the base at {here}: generation ends at any."
