"""Every kind of model gives the rows of plain forward passes, or is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from app.decoding.context_limit import context_limit
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
