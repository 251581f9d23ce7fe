"""Whether roles share a vocabulary, by content: the same id must mean the same token everywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tokenizers import Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.report import RoleVocabulary, TokenDifference, Verdict, VocabularyReport
from app.errors import VocabularyError

MOST_DIFFERENT = 0.01
"""Share of the base's ids that may differ; those ids are masked, above it the recipe is refused."""

_EXAMPLES = 3
_MOST_LISTED = 200


def compare_vocabularies(opened: OpenedRecipe) -> VocabularyReport:
    """Compare every role with the base, id by id."""
    base = opened.roles[0]
    roles = [_compare(base, role, opened.recipe.accepted_ids) for role in opened.roles]
    return VocabularyReport(tuple(roles), _rows(base) - len(shared_ids(opened)))


def require_shared(report: VocabularyReport) -> None:
    """Refuse roles that do not share a vocabulary.

    Raises:
        VocabularyError: When at least ``MOST_DIFFERENT`` of the base's ids differ in some role.
    """
    for role in report.roles:
        if role.verdict is Verdict.DIFFERENT:
            examples = ", ".join(map(_describe, role.differences[:_EXAMPLES]))
            raise VocabularyError(
                f"The {role.role} has another vocabulary than the base",
                evidence=f"{role.different:,} of {report.roles[0].tokens:,} tokens differ: "
                f"{examples}",
                next_step="Choose models of one family that share a tokenizer.",
            )


def shared_ids(opened: OpenedRecipe) -> list[int]:
    """The ids that every role has and spells alike, or has and the recipe accepts.

    The others are to be masked.
    """
    accepted = set(opened.recipe.accepted_ids)
    base = _spellings(opened.roles[0])
    shared = {index for index in base if index < min(map(_rows, opened.roles))}
    for role in opened.roles[1:]:
        other = _spellings(role)
        shared = {i for i in shared if i in other and (other[i] == base[i] or i in accepted)}
    return sorted(shared)


def _spellings(role: OpenedRole) -> dict[int, str]:
    return {index: token for token, index in role.tokenizer.get_vocab().items()}


def _rows(role: OpenedRole) -> int:
    rows: int = role.config.get_text_config().vocab_size
    return rows


def _compare(base: OpenedRole, role: OpenedRole, accepted: Sequence[int]) -> RoleVocabulary:
    here, there = _spellings(base), _spellings(role)
    differences = [
        TokenDifference(index, here[index], there.get(index), index in accepted)
        for index in sorted(here)
        if there.get(index) != here[index]
    ]
    verdict = Verdict.IDENTICAL if _rows(base) == _rows(role) else Verdict.PADDING
    if differences:
        few = len(differences) < MOST_DIFFERENT * len(here)
        verdict = Verdict.FEW if few else Verdict.DIFFERENT
    return RoleVocabulary(
        role=role.name,
        verdict=verdict,
        tokens=len(there),
        rows=_rows(role),
        different=len(differences),
        differences=tuple(differences[:_MOST_LISTED]),
    )


def token_labels(tokenizer: Tokenizer, size: int) -> list[str]:
    """The text of each id below ``size``; bytes inside a character are written like ⟨E2 82⟩."""
    # After another token, because some decoders take the space off the first one.
    anchor = tokenizer.encode("a", add_special_tokens=False).ids
    shown = len(tokenizer.decode(anchor))
    decoded = tokenizer.decode_batch(
        [[*anchor, index] for index in range(size)], skip_special_tokens=False
    )
    texts = [text[shown:] for text in decoded]
    return [
        _spell_bytes(tokenizer.id_to_token(index) or "") if "\ufffd" in text or not text else text
        for index, text in enumerate(texts)
    ]


_BYTE_FALLBACK = re.compile("<0x[0-9A-F]{2}>")
_BYTE_OF_CHARACTER = {character: byte for byte, character in bytes_to_unicode().items()}


def _spell_bytes(token: str) -> str:
    if _BYTE_FALLBACK.fullmatch(token):
        return f"⟨{token[3:5]}⟩"
    if token and all(character in _BYTE_OF_CHARACTER for character in token):
        return f"⟨{bytes(map(_BYTE_OF_CHARACTER.__getitem__, token)).hex(' ').upper()}⟩"
    return token


def _describe(difference: TokenDifference) -> str:
    there = "absent" if difference.other is None else f"“{difference.other}”"
    return f"id {difference.token_id} is “{difference.base}” here and {there} there"
