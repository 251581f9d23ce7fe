"""Comparison of vocabularies by content: an id must stand for the same token in every role."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import chain

from tokenizers import Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.preflight_report import (
    RoleVocabulary,
    TextShare,
    TokenDifference,
    Verdict,
    VocabularyReport,
)
from app.checkpoints.vocabulary.bridged_roles import bridged_roles
from app.checkpoints.vocabulary.id_differences import MOST_DIFFERENT, matters
from app.checkpoints.vocabulary.kept_shares import KeptShares
from app.checkpoints.vocabulary.notes import notes
from app.checkpoints.vocabulary.tokens import RoleTokens, read_tokens
from app.errors import CheckpointError, VocabularyError

_EXAMPLES = 3
_LONGEST_EVIDENCE = 80
_MOST_LISTED = 200


def compare_vocabularies(opened: OpenedRecipe, kept: KeptShares | None = None) -> VocabularyReport:
    """Compare every role with the base, id by id.

    Args:
        opened: The opened recipe.
        kept: What earlier comparisons found of pairs of another vocabulary.

    Raises:
        CheckpointError: A configuration has no vocabulary size.
    """
    accepted = frozenset(opened.recipe.accepted_ids)
    roles = _tokens_of_roles(opened.roles)
    base = roles[0]
    different = [_different_ids(base, role) for role in roles]
    found = [
        _role_vocabulary(base, role, ids, accepted)
        for role, ids in zip(roles, different, strict=True)
    ]
    alike = frozenset(
        pair
        for pair in range((len(roles) - 1) // 2)
        if _share_a_vocabulary(roles[1 + 2 * pair], roles[2 + 2 * pair])
    )
    apart = [role.verdict is Verdict.DIFFERENT for role in found]
    candidates = [pair for pair in sorted(alike) if apart[1 + 2 * pair] and apart[2 + 2 * pair]]
    bridged = bridged_roles(opened, roles, candidates, kept or KeptShares())
    shared = [place for place in range(len(roles)) if place not in bridged]
    return VocabularyReport(
        roles=tuple(
            _bridged(role, bridged[place]) if place in bridged else role
            for place, role in enumerate(found)
        ),
        masked_ids=_masked_ids(
            [roles[place] for place in shared], [different[place] for place in shared], accepted
        ),
        pairs_alike=alike,
    )


def _bridged(role: RoleVocabulary, shares: tuple[TextShare, ...]) -> RoleVocabulary:
    """A role that reads the base's tokens by their bytes: its ids need not be those of the base."""
    return RoleVocabulary(role.role, Verdict.BRIDGED, role.tokens, role.rows, shares=shares)


def _share_a_vocabulary(expert: RoleTokens, antiexpert: RoleTokens) -> bool:
    """Whether less than ``MOST_DIFFERENT`` of a pair's ids differ, such as added marks."""
    here, there = expert.tokens.spelling, antiexpert.tokens.spelling
    ids = _different_ids(expert, antiexpert)
    different = sum(matters(here[each], there[each]) for each in ids if each < expert.rows)
    return different < MOST_DIFFERENT * expert.tokens.count


def require_shared(report: VocabularyReport) -> None:
    """Refuse a recipe whose roles do not share a vocabulary.

    Raises:
        VocabularyError: In some role at least ``MOST_DIFFERENT`` of the base's ids differ.
    """
    for role in report.roles:
        if role.verdict is Verdict.DIFFERENT:
            examples = ", ".join(map(describe_difference, role.differences[:_EXAMPLES]))
            raise VocabularyError(
                f"The {role.role} has another vocabulary than the base",
                evidence=f"{role.different:,} of {report.roles[0].tokens:,} tokens differ: "
                f"{examples}",
                next_step="Choose models of one family that share a tokenizer. A pair may have "
                "another one if its expert and its anti-expert share it with each other, and if "
                "its tokens spell every byte.",
            )


def describe_difference(difference: TokenDifference) -> str:
    """A clause such as: id 9 is “foo” in the base and “bar” in this model."""
    in_base = "absent" if difference.base is None else f"“{difference.base}”"
    in_other = "absent" if difference.other is None else f"“{difference.other}”"
    return f"id {difference.token_id} is {in_base} in the base and {in_other} in this model"


def _tokens_of_roles(roles: Sequence[OpenedRole]) -> list[RoleTokens]:
    tokenizers = {id(role.tokenizer): role.tokenizer.backend_tokenizer for role in roles}
    rows = [_rows(role) for role in roles]
    sizes = [tokenizer.get_vocab_size() for tokenizer in tokenizers.values()]
    read = read_tokens(list(tokenizers.values()), max(*rows, *sizes))
    of_tokenizer = dict(zip(tokenizers, read, strict=True))
    return [
        RoleTokens(role.name, of_tokenizer[id(role.tokenizer)], count, end_ids(role))
        for role, count in zip(roles, rows, strict=True)
    ]


def _rows(role: OpenedRole) -> int:
    rows = getattr(role.config.get_text_config(), "vocab_size", None)
    if not isinstance(rows, int):
        raise CheckpointError(
            f"The configuration of the {role.name} has no vocabulary size",
            next_step="Choose a causal language model.",
        )
    return rows


def end_ids(role: OpenedRole) -> frozenset[int]:
    """The end-of-sequence ids of a role, from its configuration and its tokenizer."""
    configs = (role.config, role.config.get_text_config())  # they differ in a multimodal model
    named = [getattr(config, "eos_token_id", None) for config in configs]
    named.append(role.tokenizer.eos_token_id)
    return ids_named(named)


def ids_named(named: Iterable[object]) -> frozenset[int]:
    """The union of end-of-sequence ids as configurations have them: an id, a list of ids, or None.

    Raises:
        CheckpointError: A value is none of these.
    """
    found = set[int]()
    lists = [item if isinstance(item, list) else [item] for item in named if item is not None]
    for token_id in chain.from_iterable(lists):
        if not isinstance(token_id, int):
            raise CheckpointError(
                "A checkpoint has an end-of-sequence id that is not a token id",
                evidence=f"it is {token_id!r}"[:_LONGEST_EVIDENCE],
                next_step="Download or copy it again.",
            )
        found.add(token_id)
    return frozenset(found)


def _different_ids(base: RoleTokens, role: RoleTokens) -> list[int]:
    """The ids whose tokens differ, including ids that only one of the tokenizers has."""
    here, there = base.tokens.spelling, role.tokens.spelling
    if here is there:
        return []
    return [index for index, (a, b) in enumerate(zip(here, there, strict=True)) if a != b]


def _masked_ids(
    roles: Sequence[RoleTokens], different: Sequence[Collection[int]], accepted: Collection[int]
) -> tuple[int, ...]:
    """The ids of the base that are never generated, as they are missing or different in a role."""
    base = roles[0]
    masked = {index for index in range(base.rows) if base.tokens.spelling[index] is None}
    masked.update(range(min(role.rows for role in roles), base.rows))
    for role, ids in zip(roles, different, strict=True):
        masked.update(
            index
            for index in ids
            if index < base.rows and (index not in accepted or role.tokens.spelling[index] is None)
        )
    return tuple(sorted(masked))


def _role_vocabulary(
    base: RoleTokens, role: RoleTokens, ids: Sequence[int], accepted: Collection[int]
) -> RoleVocabulary:
    here, there = base.tokens.spelling, role.tokens.spelling
    differing = [i for i in ids if i < base.rows and matters(here[i], there[i])]
    if differing:
        few = len(differing) < MOST_DIFFERENT * base.tokens.count
        verdict = Verdict.FEW if few else Verdict.DIFFERENT
    else:
        verdict = Verdict.PADDING if ids or role.rows != base.rows else Verdict.IDENTICAL
    return RoleVocabulary(
        role=role.name,
        verdict=verdict,
        tokens=role.tokens.count,
        rows=role.rows,
        different=len(differing),
        differences=tuple(
            TokenDifference(i, here[i], there[i], accepted=i in accepted and there[i] is not None)
            for i in differing[:_MOST_LISTED]
        ),
        notes=notes(base, role, ids),
    )


def token_labels(tokenizer: Tokenizer, ids: Iterable[int]) -> list[str]:
    """The text of each id; incomplete UTF-8 sequences are shown as bytes, like ⟨E2 82⟩."""
    # Decoded after another token, since some decoders strip the space of the first token.
    anchor = tokenizer.encode("a", add_special_tokens=False).ids
    shown = len(tokenizer.decode(anchor))
    ids = list(ids)
    decoded = tokenizer.decode_batch([[*anchor, index] for index in ids], skip_special_tokens=False)
    texts = [text[shown:] for text in decoded]
    return [
        _spell_bytes(tokenizer.id_to_token(index) or "") if "\ufffd" in text or not text else text
        for index, text in zip(ids, texts, strict=True)
    ]


_BYTE_FALLBACK = re.compile("<0x[0-9A-F]{2}>")
_BYTE_OF_CHARACTER = {character: byte for byte, character in bytes_to_unicode().items()}


def _spell_bytes(token: str) -> str:
    if _BYTE_FALLBACK.fullmatch(token):
        return f"⟨{token[3:5]}⟩"
    if token and all(character in _BYTE_OF_CHARACTER for character in token):
        return f"⟨{bytes(map(_BYTE_OF_CHARACTER.__getitem__, token)).hex(' ').upper()}⟩"
    return token
