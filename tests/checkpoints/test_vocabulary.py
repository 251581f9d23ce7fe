"""Roles share a vocabulary when the same id means the same token, whatever the sizes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig

from app.checkpoints import vocabulary
from app.checkpoints.opening import OpenedRecipe
from app.checkpoints.vocabulary import token_labels
from app.errors import VocabularyError
from tests import tiny


def shared_ids(vocabularies: list[dict[str, int]], names: list[str]) -> list[int]:
    """The shared ids of roles that are nothing but a vocabulary; refuses as a load does."""
    roles = [
        SimpleNamespace(
            name=name,
            tokenizer=SimpleNamespace(get_vocab=lambda tokens=tokens: tokens),
            config=LlamaConfig(vocab_size=max(tokens.values()) + 1),
        )
        for tokens, name in zip(vocabularies, names, strict=True)
    ]
    opened = cast(
        OpenedRecipe, SimpleNamespace(roles=roles, recipe=SimpleNamespace(accepted_ids=()))
    )
    vocabulary.require_shared(vocabulary.compare_vocabularies(opened))
    return vocabulary.shared_ids(opened)


BASE = {f"t{index}": index for index in range(1000)}


def test_equal_vocabularies_share_everything() -> None:
    assert shared_ids([BASE, dict(reversed(BASE.items()))], ["base", "expert"]) == list(range(1000))


def test_a_few_ids_that_differ_are_left_out() -> None:
    other = BASE | {"new": 7, "t7": 1007}
    del other["t900"]
    third = {token: index for token, index in BASE.items() if index != 3}
    names = ["base", "expert", "anti-expert"]
    expected = [index for index in range(1000) if index not in (3, 7, 900)]
    assert shared_ids([BASE, other, third], names) == expected


def test_more_ids_in_another_role_are_no_difference() -> None:
    assert shared_ids([BASE, BASE | {"extra": 1000}], ["base", "expert"]) == list(range(1000))


def test_another_vocabulary_is_refused_with_counts_and_examples() -> None:
    other = {token: (index + 1) % 1000 for token, index in BASE.items()}
    with pytest.raises(VocabularyError, match="The expert “A” has another vocabulary") as caught:
        shared_ids([BASE, BASE, other], ["base", "anti", "expert “A”"])
    assert "1,000 of 1,000 tokens differ" in caught.value.evidence
    assert "id 0 is “t0” here and “t999” there" in caught.value.evidence


def test_a_much_smaller_vocabulary_is_refused() -> None:
    with pytest.raises(VocabularyError, match="id 990 is “t990” here and absent there"):
        shared_ids([BASE, {t: i for t, i in BASE.items() if i < 990}], ["base", "expert"])


@given(st.sets(st.integers(0, 999), max_size=9))
def test_what_is_shared_is_spelled_alike_everywhere(changed: set[int]) -> None:
    other = {f"x{index}" if index in changed else token: index for token, index in BASE.items()}
    assert set(shared_ids([BASE, other], ["base", "expert"])) == set(range(1000)) - changed


def test_labels_are_texts_or_bytes() -> None:
    tokenizer = tiny.make_tokenizer()
    labels = token_labels(tokenizer, tiny.VOCABULARY + 2)
    assert len(labels) == tiny.VOCABULARY + 2
    for text in ("a", "?"):
        assert labels[tokenizer.token_to_id(text)] == text
    (space,) = tokenizer.encode(" ").ids
    assert labels[space] == " "
    first, *_ = tokenizer.encode("한").ids  # ED 95 9C
    assert labels[first] == "⟨ED⟩"
    assert labels[0] == tiny.EOS
    assert labels[-1] == ""


def test_labels_of_byte_fallback_are_bytes() -> None:
    tokenizer = tiny.make_metaspace_tokenizer()
    labels = token_labels(tokenizer, tokenizer.get_vocab_size())
    assert labels[tokenizer.token_to_id("<0xE2>")] == "⟨E2⟩"
    assert labels[tokenizer.token_to_id("<0x41>")] == "A"
    assert labels[tokenizer.token_to_id("한")] == "한"


def test_labels_keep_the_space_before_a_word() -> None:
    tokenizer = tiny.make_metaspace_tokenizer()
    labels = token_labels(tokenizer, tokenizer.get_vocab_size())
    assert labels[tokenizer.token_to_id("▁the")] == " the"
    assert labels[tokenizer.token_to_id("▁")] == " "
    assert labels[tokenizer.token_to_id("the")] == "the"
