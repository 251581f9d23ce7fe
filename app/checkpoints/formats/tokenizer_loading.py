"""Loading the tokenizer of a checkpoint, exactly as its files define it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from app.errors import CheckpointError

TOKENIZER_FILE = "tokenizer.json"
_SENTENCEPIECE_FILES = ("*.model",)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in ``folder``.

    If there is a ``tokenizer.json``, the class in ``tokenizer_config.json`` is not used: such
    classes rebuild normalizer and pre-tokenizer from default values, which may differ from the
    file. Padding and truncation in the file are switched off.

    Raises:
        CheckpointError: The files are missing, damaged or not supported.
    """
    try:
        tokenizer = _load(folder)
        tokenizer("a", verbose=False)  # some settings are only checked when a text is encoded
    except CheckpointError:
        raise
    except Exception as error:  # the library raises exceptions of many types
        lines = str(error).strip().splitlines()
        raise CheckpointError(
            f"The tokenizer in {folder} cannot be read",
            evidence=lines[0] if lines else type(error).__name__,
            next_step=f"The folder must hold {TOKENIZER_FILE}.",
        ) from error
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"The tokenizer in {folder} has no fast implementation",
            next_step=f"The folder must hold {TOKENIZER_FILE}.",
        )
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.no_truncation()
    return tokenizer


def _load(folder: Path) -> PreTrainedTokenizerBase:
    kind: Any = PreTrainedTokenizerFast
    if not (folder / TOKENIZER_FILE).is_file():
        _refuse_sentencepiece(folder)
        from transformers import AutoTokenizer  # imports torch

        kind = AutoTokenizer
    loaded: PreTrainedTokenizerBase = kind.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    return loaded


def _refuse_sentencepiece(folder: Path) -> None:
    """Refuse a folder that has only a SentencePiece model.

    Reading it needs a library that Tuneshift does not ship, and tokenizers that transformers
    converts from it lose a space at the beginning of a text.
    """
    found = sorted(path.name for pattern in _SENTENCEPIECE_FILES for path in folder.glob(pattern))
    if found and not (folder / "vocab.json").is_file():
        raise CheckpointError(
            f"The tokenizer in {folder} is only a SentencePiece model",
            evidence=f"there is {found[0]} and no {TOKENIZER_FILE}",
            next_step=f"Add the {TOKENIZER_FILE} of the same model; most repositories have one.",
        )
