"""Roles share a vocabulary when the same id means the same token, whatever the sizes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import LlamaConfig, PreTrainedTokenizerFast

from app.checkpoints.opening import OpenedRecipe
from app.checkpoints.preflight_report import RoleVocabulary, Verdict, VocabularyReport
from app.checkpoints.spec import BRIDGE, SHARED, STRICT, CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary import bridged_roles
from app.checkpoints.vocabulary.compare import compare_vocabularies, require_shared, token_labels
from app.checkpoints.vocabulary.kept_shares import KeptShares
from app.errors import CheckpointError, VocabularyError
from tests import tiny

Vocabulary = dict[str, int]


def words(count: int) -> Vocabulary:
    return {f"t{index}": index for index in range(count)}


BASE = words(1000)


@dataclass
class Role:
    """What a role's tokenizer and configuration say, for a tokenizer that is made of it."""

    vocabulary: Vocabulary = field(default_factory=lambda: BASE)
    added: list[AddedToken] = field(default_factory=list)
    rows: int = 0
    eos: int | list[int] | None = None

    def tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer(models.BPE(vocab=self.vocabulary, merges=[]))
        tokenizer.add_tokens(self.added)
        return tokenizer


def added(*contents: str, special: bool = True) -> list[AddedToken]:
    return [AddedToken(content, special=special, normalized=False) for content in contents]


def opened(
    roles: list[Role | Tokenizer], accepted: tuple[int, ...] = (), vocabulary: str = BRIDGE
) -> OpenedRecipe:
    """Roles that are nothing but a tokenizer and the size of a vocabulary."""
    named = []
    for place, role in enumerate(roles):
        role_of = role if isinstance(role, Role) else Role()
        tokenizer = role if isinstance(role, Tokenizer) else role.tokenizer()
        named.append(
            SimpleNamespace(
                name=["base", "expert “A”", "anti-expert “A”"][place],
                spec=CheckpointSpec("folder:any"),
                tokenizer=PreTrainedTokenizerFast(tokenizer_object=tokenizer),
                config=LlamaConfig(
                    vocab_size=role_of.rows or tokenizer.get_vocab_size(),
                    eos_token_id=role_of.eos,
                ),
            )
        )
    base = CheckpointSpec("folder:base", vocabulary=vocabulary)
    pair = ExpertPair("A", CheckpointSpec("folder:expert"), CheckpointSpec("folder:antiexpert"))
    recipe = Recipe("a recipe", base, (pair,), accepted_ids=accepted)
    return cast(OpenedRecipe, SimpleNamespace(roles=tuple(named), recipe=recipe))


def compare(*roles: Role | Tokenizer, accepted: tuple[int, ...] = ()) -> VocabularyReport:
    return compare_vocabularies(opened(list(roles), accepted))


def expert(*roles: Role | Tokenizer, accepted: tuple[int, ...] = ()) -> RoleVocabulary:
    return compare(*roles, accepted=accepted).roles[1]


def test_equal_vocabularies_share_everything() -> None:
    report = compare(Role(), Role(dict(reversed(BASE.items()))), Role())
    assert [role.verdict for role in report.roles] == [Verdict.IDENTICAL] * 3
    assert [(role.tokens, role.rows, role.notes) for role in report.roles] == [(1000, 1000, ())] * 3
    assert report.masked == 0
    assert report.usable


def test_ids_that_differ_in_any_role_are_listed_and_masked() -> None:
    other = {token: index for token, index in BASE.items() if index not in (7, 900)}
    third = {token: index for token, index in BASE.items() if index != 3}
    report = compare(Role(), Role(other | {"new": 7}, rows=1000), Role(third, rows=1000))
    assert report.masked_ids == (3, 7, 900)
    assert [role.verdict for role in report.roles[1:]] == [Verdict.FEW, Verdict.FEW]
    listed = report.roles[1].differences
    assert [(d.token_id, d.base, d.other) for d in listed] == [
        (7, "t7", "new"),
        (900, "t900", None),
    ]
    assert report.usable


def test_the_same_tokenizer_with_padded_rows_is_padding() -> None:
    """Qwen2.5: 152064 rows in the large models, 151936 in the small ones."""
    report = compare(Role(rows=1064), Role(rows=1036), Role(rows=1036))
    assert [role.verdict for role in report.roles] == [
        Verdict.IDENTICAL,
        Verdict.PADDING,
        Verdict.PADDING,
    ]
    assert report.masked_ids == tuple(range(1000, 1064))
    assert "1,036 rows, the base's 1,064" in report.roles[1].notes[0]


def test_a_smaller_base_than_expert_masks_nothing_of_the_base() -> None:
    """Pythia: 50304, 50432 and 50688 rows for one tokenizer."""
    report = compare(Role(rows=1000), Role(rows=1008), Role(rows=1024))
    assert report.masked == 0
    assert {role.verdict for role in report.roles[1:]} == {Verdict.PADDING}


def test_more_tokens_in_an_expert_are_told_and_no_difference() -> None:
    """CodeLlama: 16 tokens for infilling after the 32000 of Llama."""
    infilling = added("▁<PRE>", "▁<MID>", "▁<SUF>", "▁<EOT>")
    role = expert(Role(), Role(added=infilling))
    assert (role.verdict, role.different) == (Verdict.PADDING, 0)
    assert role.notes[1] == (
        "The base does not know “▁<PRE>” (1000), “▁<MID>” (1001), “▁<SUF>” (1002) "
        "and 1 more token, so it cannot generate them."
    )


def test_a_base_with_more_tokens_loses_them() -> None:
    report = compare(Role(added=added("▁<PRE>")), Role())
    assert report.roles[1].verdict is Verdict.FEW
    assert report.masked_ids == (1000,)


@pytest.mark.parametrize(
    "name", ["<unused7>", "<|reserved_special_token_3|>", "[PAD]", "<|extra|>"]
)
def test_reserved_places_of_the_base_are_padding(name: str) -> None:
    report = compare(Role(added=added(name)), Role())
    assert report.roles[1].verdict is Verdict.PADDING
    assert report.masked_ids == (1000,)


def test_a_token_without_a_row_is_masked_and_told() -> None:
    """Gemma-3: every tokenizer has an image token, and the text model's 262144 rows have not."""
    image = added("<image_soft_token>")
    report = compare(Role(added=image, rows=1064), Role(added=image, rows=1000))
    assert report.roles[1].verdict is Verdict.PADDING
    assert report.masked_ids == tuple(range(1000, 1064))
    assert "It has no output row for “<image_soft_token>” (1000)." in report.roles[1].notes


def redefined() -> tuple[Role, Role, Role]:
    """DeepSeek-R1-Distill: ids that Qwen gives to chat and vision mean end and thinking."""
    names = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "</tool_call>")
    other = ("<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<think>", "</tool_call>")
    base, distilled = (Role(added=added(*each), rows=1064) for each in (names, other))
    return base, distilled, Role(added=added(*names), rows=1036)


def test_accepted_ids_stay_usable_although_they_differ() -> None:
    report = compare(*redefined(), accepted=(1000, 1003))
    role = report.roles[1]
    assert (role.verdict, role.different) == (Verdict.FEW, 4)
    assert [d.token_id for d in role.differences if d.accepted] == [1000, 1003]
    assert report.masked_ids == (1001, 1002, *range(1005, 1064))


def test_an_accepted_id_must_be_in_every_role() -> None:
    base, distilled, anti = redefined()
    anti.added = anti.added[:3]
    report = compare(base, distilled, anti, accepted=(1000, 1003, 1050))
    assert {1003, 1050} <= set(report.masked_ids)
    assert 1000 not in report.masked_ids
    assert [d.accepted for d in report.roles[2].differences] == [False, False]


def test_accepted_ids_do_not_make_a_different_vocabulary_usable() -> None:
    shifted = {token: (index + 1) % 1000 for token, index in BASE.items()}
    report = compare(Role(), Role(shifted), accepted=tuple(range(1000)))
    assert not report.usable


def test_another_vocabulary_is_refused_with_counts_and_examples() -> None:
    other = {token: (index + 1) % 1000 for token, index in BASE.items()}
    report = compare(Role(), Role(), Role(other))
    assert not report.usable
    with pytest.raises(VocabularyError, match="The anti-expert “A” has another voc") as caught:
        require_shared(report)
    assert "1,000 of 1,000 tokens differ" in caught.value.evidence
    assert "id 0 is “t0” in the base and “t999” in this model" in caught.value.evidence


def test_a_pair_that_spells_every_byte_is_bridged_and_masks_nothing() -> None:
    roles: list[Role | Tokenizer] = [Role(), tiny.make_tokenizer(), tiny.make_tokenizer()]
    report = compare(*roles)
    assert [role.verdict for role in report.roles[1:]] == [Verdict.BRIDGED] * 2
    assert [(role.different, role.differences, role.notes) for role in report.roles[1:]] == [
        (0, (), ())
    ] * 2
    assert report.bridged == {"expert “A”", "anti-expert “A”"}
    assert report.usable
    assert report.masked == 0
    assert report.pairs_alike == {0}


def test_a_recipe_that_asks_for_a_shared_vocabulary_is_refused_another() -> None:
    roles: list[Role | Tokenizer] = [Role(), tiny.make_tokenizer(), tiny.make_tokenizer()]
    assert not compare_vocabularies(opened(roles, vocabulary=SHARED)).usable
    assert compare_vocabularies(opened(roles, vocabulary=STRICT)).usable


def test_what_was_found_of_the_same_tokenizers_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    roles: list[Role | Tokenizer] = [Role(), tiny.make_tokenizer(), tiny.make_tokenizer()]
    kept = KeptShares()
    before = compare_vocabularies(opened(roles), kept).roles[1].shares
    asked = []
    monkeypatch.setattr(bridged_roles, "_shares", lambda *given, strict: asked.append(strict))
    again: list[Role | Tokenizer] = [Role(), tiny.make_tokenizer(), tiny.make_tokenizer()]
    assert compare_vocabularies(opened(again), kept).roles[1].shares == before
    assert asked == []
    compare_vocabularies(opened(again, vocabulary=STRICT), kept)
    compare_vocabularies(opened([Role(words(999)), *again[1:]]), kept)
    assert asked == [True, False]


def test_a_pair_of_which_one_has_marks_of_its_own_is_bridged() -> None:
    marked = tiny.make_tokenizer()
    marked.add_special_tokens(["<think>"])
    roles: list[Role | Tokenizer] = [Role(), marked, tiny.make_tokenizer()]
    assert compare_vocabularies(opened(roles, vocabulary="bridge")).usable


def test_a_pair_is_not_bridged_if_only_one_of_its_models_has_another_vocabulary() -> None:
    for antiexpert in (Role(), tiny.make_metaspace_tokenizer()):
        report = compare(Role(), tiny.make_tokenizer(), antiexpert)
        assert not report.usable
        assert report.pairs_alike == set()


def test_a_pair_whose_tokens_do_not_spell_every_byte_is_refused() -> None:
    other = {f"u{index}": index for index in range(1000)}
    report = compare(Role(), Role(other), Role(other))
    assert not report.usable
    assert report.pairs_alike == {0}


@pytest.mark.parametrize(("differing", "verdict"), [(9, Verdict.FEW), (10, Verdict.DIFFERENT)])
def test_below_one_percent_is_few(differing: int, verdict: Verdict) -> None:
    role = expert(Role(), Role(words(1000 - differing)))
    assert (role.verdict, role.different) == (verdict, differing)


def test_a_long_list_of_differences_is_cut_and_counted() -> None:
    role = expert(Role(), Role({f"x{index}": index for index in range(1000)}))
    assert (role.different, len(role.differences)) == (1000, 200)


def test_holes_in_a_vocabulary_are_nothing_to_compare_and_masked() -> None:
    holed = {token: index for token, index in BASE.items() if index != 500}
    report = compare(Role(holed, rows=1000), Role(holed, rows=1000))
    assert report.roles[1].verdict is Verdict.IDENTICAL
    assert report.masked_ids == (500,)


@pytest.mark.slow
@given(
    changed=st.sets(st.integers(0, 299), max_size=4),
    missing=st.sets(st.integers(290, 299), max_size=4),
    rows=st.integers(300, 330),
    accepted=st.sets(st.integers(0, 310), max_size=6),
)
def test_what_is_not_masked_is_in_every_role_and_alike_or_accepted(
    changed: set[int], missing: set[int], rows: int, accepted: set[int]
) -> None:
    here = words(300)
    there = {
        f"x{index}" if index in changed else f"t{index}": index
        for index in range(300)
        if index not in missing
    }
    report = compare(
        Role(here, rows=310), Role(there, rows=rows), Role(here), accepted=tuple(accepted)
    )
    inverse = {index: token for token, index in there.items()}
    usable = {
        index
        for token, index in here.items()
        if index in inverse and (inverse[index] == token or index in accepted)
    }
    assert set(range(310)) - set(report.masked_ids) == usable


def with_part(**parts: object) -> Tokenizer:
    tokenizer = Role().tokenizer()
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (with_part(normalizer=normalizers.NFC()), "Another normalizer than the base's"),
        (with_part(pre_tokenizer=pre_tokenizers.Whitespace()), "Another pre-tokenizer than"),
        (with_part(decoder=decoders.ByteLevel()), "Another decoder than"),
        (with_part(model=models.WordLevel(BASE, unk_token="t0")), "Another kind of model"),
    ],
)
def test_what_splits_text_otherwise_is_a_note(other: Tokenizer, said: str) -> None:
    role = expert(Role(), other)
    assert role.verdict is Verdict.IDENTICAL
    assert said in " ".join(role.notes)


def test_other_merges_over_the_same_tokens_are_a_note() -> None:
    vocabulary = {"a": 0, "b": 1, "ab": 2}
    plain, merging = (Tokenizer(models.BPE(vocabulary, merges)) for merges in ([], [("a", "b")]))
    role = expert(plain, merging)
    assert role.verdict is Verdict.IDENTICAL
    assert role.notes == ("Another merges than the base's: the same text may become other tokens.",)


def test_flags_and_ends_that_differ_are_notes() -> None:
    base = Role(added=[AddedToken("<think>", special=False, normalized=False)], eos=1)
    other = Role(added=[AddedToken("<think>", special=True, normalized=False)], eos=[2, 1])
    role = expert(base, other)
    assert role.verdict is Verdict.IDENTICAL
    flag, end = role.notes
    assert flag == "“<think>” (1000): “special” is on here and off in the base."
    assert end == "It ends at “t1” (1), “t2” (2), the base at “t1” (1): generation ends at any."


def test_a_configuration_without_a_vocabulary_is_refused() -> None:
    recipe = opened([Role(), Role()])
    config = SimpleNamespace(get_text_config=SimpleNamespace)
    object.__setattr__(recipe.roles[1], "config", config)
    with pytest.raises(CheckpointError, match="expert “A” has no vocabulary size"):
        compare_vocabularies(recipe)


@pytest.mark.slow
def test_large_vocabularies_are_compared_quickly() -> None:
    """Three different tokenizers of Qwen's size; CPU time, because the machine may be busy."""
    vocabulary = {f"token{index}": index for index in range(151_643)}
    roles: list[Role | Tokenizer] = [
        Role(vocabulary, added(*(f"<|{name}{index}|>" for index in range(22))), rows=152_064)
        for name in "abc"
    ]
    recipe = opened(roles)
    started = time.thread_time()
    report = compare_vocabularies(recipe)
    assert time.thread_time() - started < 1.0  # measured 0.2 s
    assert [role.different for role in report.roles] == [0, 22, 22]


def test_labels_are_texts_or_bytes() -> None:
    tokenizer = tiny.make_tokenizer()
    labels = token_labels(tokenizer, range(tiny.VOCABULARY + 2))
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
    labels = token_labels(tokenizer, range(tokenizer.get_vocab_size()))
    assert labels[tokenizer.token_to_id("<0xE2>")] == "⟨E2⟩"
    assert labels[tokenizer.token_to_id("<0x41>")] == "A"
    assert labels[tokenizer.token_to_id("한")] == "한"


def test_labels_keep_the_space_before_a_word() -> None:
    tokenizer = tiny.make_metaspace_tokenizer()
    labels = token_labels(tokenizer, range(tokenizer.get_vocab_size()))
    assert labels[tokenizer.token_to_id("▁the")] == " the"
    assert labels[tokenizer.token_to_id("▁")] == " "
    assert labels[tokenizer.token_to_id("the")] == "the"
