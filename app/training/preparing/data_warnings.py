"""What a person should look at before a training begins. Imports no torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.training.data.documents import Document
from app.training.data.secret_patterns import secrets_in

_FEW_DOCUMENTS = 50


class Concern(StrEnum):
    """The kind of a warning."""

    FEW_DOCUMENTS = "few documents"
    SECTIONS = "sections"
    CUT = "cut"
    SIMILAR = "similar"
    SECRET = "secret"
    CONTEXT = "context"
    NO_MATCH = "no match"


@dataclass(frozen=True, slots=True)
class DataWarning:
    """A warning about the data. As text it is a sentence in English.

    Attributes:
        concern: The kind.
        count: How many documents, examples or tokens it concerns.
        total: Of how many, where that is said.
        document: The name of the first document.
        secret: The kind of secret that it holds, such as “a GitHub token”.
    """

    concern: Concern
    count: int = 0
    total: int = 0
    document: str = ""
    secret: str = ""

    def __str__(self) -> str:
        match self.concern:
            case Concern.FEW_DOCUMENTS:
                return f"There are few documents ({self.count}): the verdict will be uncertain."
            case Concern.SECTIONS:
                return (
                    "There are few files, so their texts are cut into sections: the held-out ones "
                    "come from the same files as the others."
                )
            case Concern.CUT:
                return f"{self.count:,} of {self.total:,} examples are too long and are cut."
            case Concern.SIMILAR:
                return f"{self.count:,} near-duplicates of held-out documents were left out."
            case Concern.SECRET:
                others = f", as do {self.count:,} documents in all" if self.count > 1 else ""
                return f"{self.document} holds {self.secret}{others}: a model may repeat it."
            case Concern.CONTEXT:
                return f"Examples are cut at {self.count:,} tokens, the context of the small model."
            case Concern.NO_MATCH:
                return (
                    f"The regular expression for answers finds nothing in {self.count:,} expected "
                    "ones, which count as wrong."
                )


def warnings_of(
    documents: Sequence[Document], *, sections: bool, similar: int, cut: int, examples: int
) -> tuple[DataWarning, ...]:
    """The warnings about data.

    Args:
        documents: All documents that were read.
        sections: Whether they are sections of longer texts.
        similar: How many near-duplicates of held-out documents were left out.
        cut: How many examples are cut.
        examples: The number of examples.
    """
    found = []
    if len(documents) < _FEW_DOCUMENTS:
        found.append(DataWarning(Concern.FEW_DOCUMENTS, len(documents)))
    if sections:
        found.append(DataWarning(Concern.SECTIONS))
    if cut:
        found.append(DataWarning(Concern.CUT, cut, examples))
    if similar:
        found.append(DataWarning(Concern.SIMILAR, similar))
    return (*found, *_secrets(documents))


def _secrets(documents: Sequence[Document]) -> Iterator[DataWarning]:
    holders: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        for kind in secrets_in(document.content):
            holders[kind].append(document.name)
    for kind, names in holders.items():
        yield DataWarning(Concern.SECRET, len(names), document=names[0], secret=kind)
