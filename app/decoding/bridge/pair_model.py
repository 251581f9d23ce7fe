"""The language model that a bridge reads another vocabulary with."""

from __future__ import annotations

from typing import Protocol

from app.decoding.language_model import LanguageModel


class PairModel(LanguageModel, Protocol):
    """A language model that can be made again over the same weights."""

    def another(self) -> PairModel:
        """Another language model over the same weights with an empty cache."""
        ...
