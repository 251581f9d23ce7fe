"""Models of llama.cpp for the tests of this folder, which skip by name without the library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from transformers import PreTrainedModel

from app.decoding.llama_cpp.library import is_installed
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from tests import tiny_gguf


@pytest.fixture(autouse=True)
def llama_cpp() -> None:
    if not is_installed():  # importorskip would import its high-level class
        pytest.skip("llama.cpp is not installed")


Opened = Callable[[PreTrainedModel], LlamaCppWeights]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Writes a model as a GGUF file and opens it; all are closed after the test."""
    weights = []

    def open_model(model: PreTrainedModel) -> LlamaCppWeights:
        path = tiny_gguf.write(model, tmp_path / f"{len(weights)}.gguf")
        weights.append(LlamaCppWeights.open([path]))
        return weights[-1]

    yield open_model
    for each in weights:
        each.close()
