"""Masks for structured output over the vocabulary of a loaded recipe, by llguidance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from app.checkpoints.structure_grammar import grammar_of, invalid, library
from app.checkpoints.vocabulary.compare import token_labels
from app.checkpoints.vocabulary.label_bytes import label_bytes
from app.decoding.types import GenerationConfig
from app.errors import StructureError


class StructuredOutput:
    """Makes the masks of texts. The library reads the vocabulary when the first one is made.

    Args:
        tokenizer: The tokenizer of the base.
        size: Size of the vocabulary, V.
        eos_ids: The ids that end a text.
    """

    def __init__(self, tokenizer: Tokenizer, size: int, eos_ids: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._size = size
        self._eos_ids = sorted(index for index in eos_ids if index < size)
        self._vocabulary: Any = None

    def mask(self, config: GenerationConfig) -> GrammarMask | None:
        """A mask for one text; None if ``config`` asks for no structure.

        Raises:
            StructureError: The structure is invalid or not supported, or cannot end.
        """
        if not config.structured:
            return None
        if not self._eos_ids:
            raise StructureError("The models have no end-of-sequence token, which ends a structure")
        grammar = grammar_of(config)
        if self._vocabulary is None:
            self._vocabulary = self._read_vocabulary()
        matcher = library().LLMatcher(self._vocabulary, grammar, log_level=0)
        if matcher.is_error():
            raise invalid(config, matcher.get_error())
        return GrammarMask(matcher, self._size, self._eos_ids)

    def _read_vocabulary(self) -> Any:
        llguidance = library()
        vocabulary = _Vocabulary(self._tokenizer, self._size, self._eos_ids)
        wrapped = llguidance.TokenizerWrapper(vocabulary)
        return llguidance.LLTokenizer(wrapped, n_vocab=self._size, eos_token=self._eos_ids[0])


class _Vocabulary:
    """The tokens as bytes, as llguidance reads them."""

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer, size: int, eos_ids: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self.eos_token_id = eos_ids[0]
        self.tokens = [label_bytes(label) for label in token_labels(tokenizer, range(size))]
        added = tokenizer.get_added_tokens_decoder()
        special = {index for index, token in added.items() if token.special}
        self.special_token_ids = sorted(i for i in special.union(eos_ids) if i < size)

    def __call__(self, text: str | bytes) -> list[int]:
        written = text.decode(errors="replace") if isinstance(text, bytes) else text
        return list(self._tokenizer.encode(written, add_special_tokens=False).ids)


class GrammarMask:
    """The tokens that a grammar allows in one text.

    It follows the text: what it has read in common with the text is kept, the rest is rolled back.

    Args:
        matcher: llguidance's matcher at the beginning of the grammar.
        size: Size of the vocabulary, V.
        eos_ids: The ids that end a text.
    """

    def __init__(self, matcher: Any, size: int, eos_ids: Sequence[int]) -> None:
        self._matcher = matcher
        self._size = size
        self._eos_ids = list(eos_ids)
        self._read: list[int] = []
        self._bits = np.zeros((size + 31) // 32, dtype=np.int32)
        self._last: NDArray[np.bool_] | None = None

    def allowed(self, generated: Sequence[int]) -> NDArray[np.bool_]:
        """See :class:`app.decoding.token_mask.TokenMask`."""
        ids = list(generated)
        if self._last is not None and ids == self._read:
            return self._last
        self._follow(ids)
        self._last = self._compute()
        return self._last

    def _follow(self, ids: list[int]) -> None:
        common = 0
        for mine, its in zip(self._read, ids, strict=False):
            if mine != its:
                break
            common += 1
        if common < len(self._read):
            self._matcher.rollback(len(self._read) - common)
            del self._read[common:]
        taken = self._matcher.try_consume_tokens(ids[common:])
        self._read += ids[common : common + taken]
        if len(self._read) < len(ids):
            self._last = None
            self._check()
            raise StructureError(
                "The text does not have the structure that was asked for",
                evidence=f"token {len(self._read) + 1} does not fit",
                next_step="Switch the structure off, or begin a new text.",
            )

    def _compute(self) -> NDArray[np.bool_]:
        if self._matcher.is_stopped():
            found = np.zeros(self._size, dtype=np.bool_)
            ends = True
        else:
            self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.nbytes)
            bits = np.unpackbits(self._bits.view(np.uint8), count=self._size, bitorder="little")
            found = bits.view(np.bool_)
            ends = self._matcher.is_accepting()
        self._check()
        found[self._eos_ids] = ends
        return found

    def _check(self) -> None:
        if self._matcher.is_error():
            problem = self._matcher.get_error().splitlines()
            raise StructureError(
                "No token goes on with the structure, or it is too complex",
                evidence=problem[0] if problem else "",
            )
