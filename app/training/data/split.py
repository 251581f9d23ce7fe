"""The split of documents: what is trained on, what chooses, and what judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from app.errors import TrainingError
from app.training.data.documents import Document
from app.training.data.near_duplicates import ShingleIndex

FEWEST_DOCUMENTS = 20
_SHARE_HELD_OUT = 0.2
_FEWEST_HELD_OUT, _MOST_HELD_OUT = 10, 120
_FEWEST_TRAINED_ON = FEWEST_DOCUMENTS - _FEWEST_HELD_OUT
SPLIT_SEED = 25


@dataclass(frozen=True, slots=True)
class Split:
    """Documents by their part. No document is in two parts, nor are near-duplicates.

    Attributes:
        training: What is trained on.
        choosing: The half of the held-out documents that chooses when training ends, and α.
        judging: The other half, which nothing but the verdict sees.
        repeated: How many documents were left out because another one is the same.
        similar: How many were left out because a held-out document is nearly the same.
    """

    training: tuple[Document, ...]
    choosing: tuple[Document, ...]
    judging: tuple[Document, ...]
    repeated: int = 0
    similar: int = 0


def split_documents(documents: Sequence[Document], seed: int = SPLIT_SEED) -> Split:
    """Hold out a fifth of the documents, at least 10 and at most 120, in two halves.

    Args:
        documents: All documents.
        seed: The same seed and documents give the same split.

    Raises:
        TrainingError: There are too few documents.
    """
    distinct = list({_folded(document): document for document in reversed(documents)}.values())
    distinct.reverse()
    _require(len(distinct), FEWEST_DOCUMENTS, "different documents")
    shuffled = Random(seed).sample(range(len(distinct)), len(distinct))
    wanted = max(_FEWEST_HELD_OUT, min(_MOST_HELD_OUT, round(_SHARE_HELD_OUT * len(distinct))))
    index = ShingleIndex()
    held_out: list[Document] = []
    rest: list[int] = []
    for place in shuffled:
        document = distinct[place]
        if len(held_out) < wanted and not index.has_similar(document.content):
            held_out.append(document)
            index.add(document.content)
        else:
            rest.append(place)
    kept = tuple(
        distinct[place] for place in sorted(rest) if not index.has_similar(distinct[place].content)
    )
    _require(len(kept), _FEWEST_TRAINED_ON, "documents that are not like a held-out one")
    return Split(
        kept,
        tuple(held_out[0::2]),
        tuple(held_out[1::2]),
        len(documents) - len(distinct),
        len(rest) - len(kept),
    )


def _folded(document: Document) -> str:
    return " ".join(document.content.split()).casefold()


def _require(count: int, fewest: int, what: str) -> None:
    if count < fewest:
        raise TrainingError(
            "There are too few documents to train on some and to judge by others",
            evidence=f"{what}: {count}; at least {fewest} are needed",
            next_step="Add more, or give longer texts, which are cut into sections.",
        )
