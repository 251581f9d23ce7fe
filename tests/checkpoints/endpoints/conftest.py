"""A tiny base behind a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from tests import tiny
from tests.checkpoints.endpoints.fake_server import FakeServer


@pytest.fixture(scope="session")
def base_model(llama: tiny.Family) -> PreTrainedModel:
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(llama.base, dtype=torch.float32)
    return model.eval()


@pytest.fixture
def server(base_model: PreTrainedModel, llama: tiny.Family) -> Iterator[FakeServer]:
    fake = FakeServer(base_model, AutoTokenizer.from_pretrained(llama.base))
    yield fake
    fake.close()
