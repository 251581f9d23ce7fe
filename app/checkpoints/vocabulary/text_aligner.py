"""Texts in tokens of a base and of a bridged pair, beside the engine's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from threading import Lock

from tokenizers import Tokenizer

from app.checkpoints.vocabulary.text_encoding import continuation_encoder
from app.decoding.bridge.correspondence import AlignedText, Correspondence
from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge


class TextAligner:
    """Shows what in a text corresponds to what, for one loaded pair, on any thread.

    It has copies of the tokenizers, made when they are first needed, since a tokenizer that two
    threads use may raise errors.

    Args:
        pair: The index of the pair in ``Recipe.pairs``.
        base: The tokenizer of the base.
        own: The tokenizer of the pair.
        bridge: The bridge between them.
    """

    def __init__(
        self, pair: int, base: Tokenizer, own: Tokenizer, bridge: VocabularyBridge
    ) -> None:
        self.pair = pair
        self._tokenizers = (base, own)
        self._bridge = bridge
        self._made: tuple[Callable[[str], Sequence[int]], Correspondence] | None = None
        self._lock = Lock()

    def align(self, text: str) -> AlignedText:
        """A text, in tokens of the base and of the pair."""
        with self._lock:
            encode, found = self._make()
            return found.align(encode(text))

    def align_tokens(self, ids: Sequence[int]) -> AlignedText:
        """A text that is given in tokens of the base, in tokens of both."""
        with self._lock:
            return self._make()[1].align(ids)

    def _make(self) -> tuple[Callable[[str], Sequence[int]], Correspondence]:
        if self._made is None:
            base, own = (continuation_encoder(deepcopy(each)) for each in self._tokenizers)
            bridge = self._bridge
            found = Correspondence(bridge.base, bridge.pair, own, self._opinion)
            self._made = base, found
        return self._made

    def _opinion(self, token: int) -> Opinion:
        return Opinion(int(self._bridge.opinions[token]))
