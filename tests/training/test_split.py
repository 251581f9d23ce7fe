"""The split by document, near-duplicates, and secrets."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import TrainingError
from app.training.data.documents import Document, Passage
from app.training.data.near_duplicates import THRESHOLD, ShingleIndex, shingles, similarity
from app.training.data.secret_patterns import secrets_in
from app.training.data.split import FEWEST_DOCUMENTS, split_documents

WORDS = [f"word{number}" for number in range(300)]


def text(seed: int, length: int = 40) -> str:
    return " ".join(Random(seed).choices(WORDS, k=length))


def documents(count: int, first: int = 0) -> list[Document]:
    return [Document(f"d{n}", (Passage(text(n)),)) for n in range(first, first + count)]


@pytest.mark.slow
@given(st.integers(FEWEST_DOCUMENTS, 200), st.integers(0, 9))
def test_every_document_is_in_one_part(count: int, seed: int) -> None:
    given_documents = documents(count)
    split = split_documents(given_documents, seed)
    parts = [*split.training, *split.choosing, *split.judging]
    assert sorted(d.name for d in parts) == sorted(d.name for d in given_documents)
    assert 0 <= len(split.choosing) - len(split.judging) <= 1
    assert len(split.judging) >= 5
    assert split == split_documents(given_documents, seed)


@pytest.mark.slow
def test_repeated_documents_and_near_duplicates_of_held_out_ones_are_left_out() -> None:
    originals = documents(60)
    changed = [
        Document(f"near {d.name}", (Passage(d.content.replace("word7", "other") + " end"),))
        for d in originals
    ]
    again = Document("again", (Passage(f"  {originals[0].content.upper()}\n"),))
    split = split_documents([*originals, *changed, again])
    assert split.repeated == 1
    held_out = [*split.choosing, *split.judging]
    for document in split.training:
        for other in held_out:
            near = similarity(shingles(document.content), shingles(other.content))
            assert near < THRESHOLD, (document.name, other.name)
    assert split.similar >= len(held_out) // 2


@pytest.mark.slow
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=30), st.lists(st.integers(0, 5), max_size=30)
)
def test_the_index_finds_what_comparing_each_pair_finds(one: list[int], other: list[int]) -> None:
    first, second = (" ".join(map(str, numbers)) for numbers in (one, other))
    index = ShingleIndex()
    index.add(first)
    similar = similarity(shingles(first), shingles(second)) >= THRESHOLD
    assert index.has_similar(second) == similar


def test_too_few_documents_are_an_error() -> None:
    with pytest.raises(TrainingError, match="too few"):
        split_documents(documents(FEWEST_DOCUMENTS - 1))


def test_documents_of_the_same_name_are_in_one_part_each() -> None:
    named_alike = [Document("line 1", document.passages) for document in documents(40)]
    split = split_documents(named_alike)
    parts = [*split.training, *split.choosing, *split.judging]
    assert len(split.training) == 30
    assert sorted(d.content for d in parts) == sorted(d.content for d in named_alike)


def test_documents_like_the_held_out_ones_are_too_few_to_train_on() -> None:
    alike = [Document(f"d{n}", (Passage(f"{text(n % 12)} {n}"),)) for n in range(60)]
    with pytest.raises(TrainingError, match=r"not like a held-out one: \d; at least 10"):
        split_documents(alike)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("a private key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("an AWS access key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("a GitHub token", "ghp_" + "a1B2" * 9),
        ("a Hugging Face token", "hf_" + "aBcD" * 9),
        ("an API key", "sk-proj-" + "a1B2" * 8),
        ("a password in an address", "postgres://me:hunter2@db.example/x"),
        ("a password", "password = 'correcthorse'"),
    ],
)
def test_secrets_in_well_known_forms_are_found(kind: str, secret: str) -> None:
    assert kind in secrets_in(f"Here it is: {secret} .")


@pytest.mark.parametrize(
    "harmless",
    [
        "The password is asked for. https://example.org:8080/a@b",
        "task-management-of-the-whole-department",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_other_texts_hold_no_secrets(harmless: str) -> None:
    assert secrets_in(harmless) == ()
