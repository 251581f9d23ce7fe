"""The text of a proof as the tokenizer of a role begins it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import processors

from app.checkpoints.loading.stored_proof import ProofFacts, StoredProof
from app.checkpoints.opening import open_recipe
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.spec import ExpertPair, Recipe
from tests import tiny


@pytest.mark.parametrize(("template", "begins"), [("<s> $A", True), ("$A", False)])
def test_the_text_begins_with_what_the_tokenizer_puts_before_every_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str, begins: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tokenizer = tiny.make_tokenizer()
    tokenizer.add_special_tokens(["<s>"])
    bos = tokenizer.token_to_id("<s>")
    added = [("<s>", bos)]
    tokenizer.post_processor = processors.TemplateProcessing(template, special_tokens=added)
    rows = tokenizer.get_vocab_size()
    spec = tiny.spec(tiny.save(tiny.make_model("llama", 1, rows), tmp_path / "model", tokenizer))
    role = open_recipe(Recipe("r", spec, (ExpertPair("none", spec, spec),))).roles[0]
    facts = ProofFacts("float32", "none", "cpu", "eager", (), 0.0, None, rows)
    texts: list[tuple[int, ...]] = []

    def prove(ids: tuple[int, ...]) -> Proof:
        texts.append(ids)
        return Proof()

    StoredProof(role, facts, ProofMode.FRESH).get(prove)
    assert [ids[0] == bos for ids in texts] == [begins]
    assert bos not in texts[0][1:]
