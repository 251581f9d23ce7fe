"""Digests of vocabularies, which compare in a millisecond. Imports no torch.

They list models; before a recipe is loaded, ``vocabulary.compare`` compares the tokenizers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from app.checkpoints.candidates.vocabulary_scan import read_ids
from app.checkpoints.formats.configuration import read_configuration
from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.vocabulary.id_differences import MOST_DIFFERENT, is_reserved
from app.errors import CheckpointError

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
GGUF_TOKENS = "tokenizer.ggml.tokens"
_SLOW_TOKENIZER, _ADDED = "vocab.json", "added_tokens.json"
_SENTENCEPIECE = "*.model"
_MOST_IDS = 4_000_000

_Digits = npt.NDArray[np.uint32]


class TokenDigest:
    """A checksum of the token of each id; 0 where there is no token.

    Args:
        tokens: The token of each id, or None.
    """

    def __init__(self, tokens: Sequence[str | None]) -> None:
        self.count = sum(token is not None for token in tokens)
        self._sums: _Digits = np.array(list(map(_checksum, tokens)), dtype=np.uint32)
        self._reserved = np.array([bool(token) and is_reserved(str(token)) for token in tokens])
        self._compared: dict[TokenDigest, int] = {}

    def different_from(self, base: TokenDigest) -> int:
        """The number of ids of the base that stand for another token here, or for none."""
        if self is base:
            return 0
        if base not in self._compared:
            self._compared[base] = self._compare(base)
        return self._compared[base]

    def _compare(self, base: TokenDigest) -> int:
        size = len(base._sums)
        mine = np.zeros(size, dtype=np.uint32)
        shared = min(size, len(self._sums))
        mine[:shared] = self._sums[:shared]
        differs = (mine != base._sums) & (base._sums != 0)
        return int(np.count_nonzero(differs & ~((mine == 0) & base._reserved)))

    @property
    def key(self) -> bytes:
        """Equal for equal vocabularies."""
        return self._sums.tobytes()

    def goes_with(self, base: TokenDigest) -> bool:
        """Whether so few ids differ that a recipe of both can be used."""
        different = self.different_from(base)
        return different == 0 or different < MOST_DIFFERENT * base.count


class DigestReader:
    """Reads the vocabularies of models; equal vocabularies are one object."""

    def __init__(self) -> None:
        self._of_files: dict[bytes, TokenDigest] = {}
        self._distinct: dict[bytes, TokenDigest] = {}

    def of_tokens(self, tokens: Sequence[str | None]) -> TokenDigest:
        """The digest of a vocabulary, from the token of each id."""
        digest = TokenDigest(tokens)
        return self._distinct.setdefault(digest.key, digest)

    def of_gguf(self, contents: Contents) -> TokenDigest:
        """The digest of the vocabulary in a GGUF file.

        Raises:
            UnusableError: It has none.
            OSError, ValueError: It cannot be read, or is damaged.
        """
        key = hashlib.sha256(contents.array_bytes(GGUF_TOKENS)).digest()
        if key not in self._of_files:
            self._of_files[key] = self.of_tokens(contents.texts(GGUF_TOKENS))
        return self._of_files[key]

    def read(self, folder: Path) -> TokenDigest:
        """The digest of the tokenizer in a folder.

        Raises:
            CheckpointError: There is no tokenizer that can be used, or it is damaged.
        """
        name = TOKENIZER if (folder / TOKENIZER).is_file() else _SLOW_TOKENIZER
        if not (folder / name).is_file():
            raise _no_tokenizer(folder)
        added = _added_tokens(folder)
        try:
            content = (folder / name).read_bytes()
            key = hashlib.sha256(content + json.dumps(added, sort_keys=True).encode()).digest()
            if key not in self._of_files:
                tokens = _tokens_of(read_ids(content) | added)
                self._of_files[key] = self.of_tokens(tokens)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CheckpointError(
                f"The tokenizer in {folder} cannot be read", evidence=str(error)
            ) from error
        return self._of_files[key]


def _checksum(token: str | None) -> int:
    return 0 if token is None else crc32(token.encode(errors="surrogatepass")) or 1


def _tokens_of(ids: Mapping[str, int]) -> list[str | None]:
    """The token of each id.

    Raises:
        ValueError: An id is not possible.
    """
    if not all(0 <= index < _MOST_IDS for index in ids.values()):
        raise ValueError("it has an id that no tokenizer has")
    tokens: list[str | None] = [None] * (max(ids.values(), default=-1) + 1)
    for token, index in ids.items():
        tokens[index] = token
    return tokens


def _added_tokens(folder: Path) -> dict[str, int]:
    """The tokens that are added beside the tokenizer's own file."""
    added: dict[str, int] = {}
    if (folder / _ADDED).is_file():
        listed = read_configuration(folder / _ADDED, "")
        added |= {token: index for token, index in listed.items() if isinstance(index, int)}
    if (folder / TOKENIZER_CONFIG).is_file():
        decoder = read_configuration(folder / TOKENIZER_CONFIG, "").get("added_tokens_decoder")
        for index, token in decoder.items() if isinstance(decoder, dict) else ():
            if index.isdecimal() and isinstance(token, dict):
                added[str(token.get("content"))] = int(index)
    return added


def _no_tokenizer(folder: Path) -> CheckpointError:
    if any(folder.glob(_SENTENCEPIECE)):
        return CheckpointError(
            f"The tokenizer in {folder} is only a SentencePiece model",
            next_step=f"Add the {TOKENIZER} of the same model; most repositories have one.",
        )
    return CheckpointError(
        f"There is no tokenizer in {folder}", next_step=f"The folder must hold {TOKENIZER}."
    )
