"""Every kind of model gives the rows of plain forward passes, or is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoModelForCausalLM
from transformers.initialization import no_init_weights

from app.decoding.capturing import uncaptured
from app.decoding.context_limit import context_limit
from app.decoding.graphs import GraphedLanguageModel, make_language_model, why_not_captured
from app.decoding.language_model import TransformersLanguageModel
from tests import tiny
from tests.architectures.table import DOCUMENT, documented_version, line, transformers_version
from tests.architectures.tiny_configurations import tiny_configuration
from tests.architectures.trial import KINDS, REFUSED, make_model, try_kind

_LONGEST = 1024

pytestmark = pytest.mark.architectures


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of models that nobody maintains
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_plain_forward_passes_or_it_is_refused(kind: str, tmp_path: Path) -> None:
    outcome = try_kind(kind, tmp_path / "model")
    assert outcome.way == REFUSED or outcome.error <= outcome.tolerated, outcome
    if documented_version() == transformers_version():
        document = DOCUMENT.read_text().splitlines()
        assert line(kind, outcome) in document, "run: python -m tests.architectures.table"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_cuda_would_capture_asks_the_device_nothing(kind: str) -> None:
    """In bfloat16, as CUDA has kernels for it that multiply all experts at once."""
    with FakeTensorMode(), torch.inference_mode():
        try:
            with no_init_weights():
                config = tiny_configuration(kind, tiny.VOCABULARY)
                model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
        except Exception as error:
            pytest.skip(f"transformers makes no model of it: {error}")
        if type(make_language_model(model)) is not TransformersLanguageModel:
            pytest.skip("it is read in another way")
        if reason := why_not_captured(model):
            pytest.skip(reason)
        steps = GraphedLanguageModel(model, capture=uncaptured)
        steps.ensure_capacity(40)
        for size in (1, 3):
            positions = torch.arange(30, 30 + size)
            steps.forward_at(torch.zeros(size, dtype=torch.int64), positions, 40)


def test_the_document_is_about_every_kind() -> None:
    if documented_version() != transformers_version():
        pytest.skip(f"docs/models.md is about transformers {documented_version()}")
    rows = [row for row in DOCUMENT.read_text().splitlines() if row.startswith("| ")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows[1:]] == list(KINDS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_as_long_as_the_context_can_be_read(kind: str) -> None:
    config = tiny_configuration(kind, tiny.VOCABULARY)
    limit = context_limit(config)
    model = make_model(config)
    if limit is None or limit > _LONGEST or model is None:
        pytest.skip("its limit is none or too long to try, or transformers makes no model of it")
    text = torch.arange(limit)[None] % (tiny.VOCABULARY - 1) + 1
    with torch.inference_mode():
        assert model(input_ids=text, use_cache=False).logits.shape[1] == limit
