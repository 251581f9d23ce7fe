"""What a person is told of a training before it begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.training.data.documents import Document, Passage
from app.training.preparing.data_warnings import Concern, warnings_of
from app.training.preparing.preparation import PREVIEWS, prepare_training
from app.training.preparing.prepared_training import TrainingRequest
from tests import tiny

pytestmark = [pytest.mark.unit, pytest.mark.slow]


def test_a_preview_has_the_text_of_each_token(llama: tiny.Family, tmp_path: Path) -> None:
    data = tmp_path / "sayings.jsonl"
    rows = [{"prompt": "the king", "answer": f"said {n} {n * 7} times"} for n in range(30)]
    data.write_text("\n".join(map(json.dumps, rows)))
    small, base = tiny.spec(llama.antiexpert), tiny.spec(llama.base)
    found = prepare_training(TrainingRequest(data, small, base, prompt="{prompt}"))
    assert len(found.previews) == PREVIEWS
    for shown, document in zip(found.previews, found.split.training, strict=False):
        assert shown.document == document.name
        assert len(shown.tokens) == len(shown.ids)
        assert "".join(shown.tokens[: shown.first_learned]).endswith("the king")
        assert "".join(shown.tokens[shown.first_learned :]).startswith("said")


def test_warnings_name_documents_and_show_no_secret() -> None:
    secret = "ghp_" + "a1B2" * 9
    documents = [Document(f"letter {n}", (Passage(f"key {secret}"),)) for n in range(2)]
    found = warnings_of(documents, sections=True, similar=3, cut=4, examples=9)
    assert [warning.concern for warning in found] == [
        Concern.FEW_DOCUMENTS,
        Concern.SECTIONS,
        Concern.CUT,
        Concern.SIMILAR,
        Concern.SECRET,
    ]
    said = " ".join(map(str, found))
    assert "letter 0 holds a GitHub token, as do 2 documents in all" in said
    assert "4 of 9 examples" in said
    assert secret not in said
