"""The prompt's own tokens, scored by each role that reads them, against plain forward passes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.attribution.candidates import tabulate
from app.attribution.scored_prompt import PromptToken, tokens_of
from app.checkpoints.spec import Recipe
from app.engine.commands import Generate
from app.errors import PromptError
from app.settings import Settings
from app.ui.recipe.prompt_dialogs import show_preview
from app.ui.recipe.prompt_token_model import EXPECTED, RANK, SURPRISAL, TOKEN
from app.ui.state.session import Session
from tests import tiny
from tests.ui.conftest import EngineBridge, FakeBridge

pytestmark = pytest.mark.slow

PROMPT = "the king said"


@pytest.fixture
def chat_recipe(llama: tiny.Family, tmp_path: Path) -> Recipe:
    """A base that reads the prompt as it is, and an expert that reads it with its template."""
    plain = llama.recipe()
    expert = tiny.with_chat_template(llama.expert, tmp_path / "expert")
    return replace(plain, pairs=(replace(plain.pairs[0], expert=expert),))


@pytest.fixture
def bridge(qapp: object) -> EngineBridge:
    return EngineBridge()


@pytest.fixture
def chatting(bridge: EngineBridge, chat_recipe: Recipe) -> Session:
    session = Session(bridge, chat_recipe, Settings(prove_models=False))  # type: ignore[arg-type]
    session.set_prompt(PROMPT)
    bridge.ready()
    session.load()
    bridge.work()
    return session


def test_every_role_scores_the_prompt_that_it_reads(
    bridge: EngineBridge, chatting: Session, llama: tiny.Family
) -> None:
    scoring, recipe = chatting.runs.prompt_scoring, chatting.recipe
    scoring.ask(PROMPT, recipe)
    assert scoring.waiting
    bridge.work()
    assert not scoring.waiting
    assert chatting.problem is None
    assert chatting.runs.all == []
    tokenizer = tiny.make_tokenizer()
    texts = (PROMPT, f"[user]{PROMPT}\n[assistant]", PROMPT)
    for spec, model, text in zip(recipe.checkpoints(), llama.models(), texts, strict=True):
        ids = tokenizer.encode(text).ids
        with torch.inference_mode():
            rows = model(torch.tensor([ids])).logits[0, :-1].double().log_softmax(-1)
        found = scoring.of(spec)
        assert found is not None
        assert [token.token_id for token in found.tokens] == ids
        assert found.tokens[0].scored is None
        for token, row in zip(found.tokens[1:], rows, strict=True):
            assert token.scored is not None
            assert token.candidates is not None
            best = row.topk(5)
            table = tabulate(token.candidates)
            assert table.token_ids[:5].tolist() == best.indices.tolist()
            assert table.p_tuned[:5] == pytest.approx(best.values.exp().numpy(), abs=1e-5)
            told = token.scored.attribution
            entropy = -(row.exp() * row).sum().item()
            assert told.entropy_tuned == pytest.approx(entropy, abs=1e-4)
            assert told.logprob_tuned == pytest.approx(row[token.token_id].item(), abs=1e-4)
            assert told.rank_tuned == int((row > row[token.token_id]).sum()) + 1
            assert told.argmax_tuned == int(row.argmax())


def test_the_preview_shows_the_scores_of_the_chosen_role(
    qtbot: QtBot, bridge: EngineBridge, chatting: Session
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    preview = show_preview(chatting, window, 1)
    bridge.work()
    assert preview.score.isEnabled()
    preview.score.click()
    assert preview.score.text() == "Cancel"
    bridge.work()
    assert preview.score.isEnabled()
    assert preview.score.text() == "Score the prompt"
    model, scores = preview.tokens, chatting.runs.prompt_scoring
    found = scores.of(chatting.recipe.pairs[0].expert)
    assert found is not None
    assert model.rowCount() == len(found.tokens)
    assert [model.index(0, column).data() for column in range(SURPRISAL, EXPECTED + 1)] == [""] * 3
    for row, token in enumerate(found.tokens[1:], 1):
        assert token.scored is not None
        told = token.scored.attribution
        bits = -told.logprob_tuned / math.log(2)
        assert float(model.index(row, SURPRISAL).data()) == pytest.approx(bits, abs=0.06)
        assert model.index(row, RANK).data() == f"{told.rank_tuned:,}"
        assert chatting.token_labels[told.argmax_tuned] in model.index(row, EXPECTED).data()
        color = model.index(row, TOKEN).data(Qt.ItemDataRole.BackgroundRole)
        assert isinstance(color, QColor)
    assert "surprisal" in preview.count.text()


def test_scoring_is_cancelled_by_its_button_and_by_closing_the_preview(
    qtbot: QtBot, bridge: EngineBridge, chatting: Session
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    preview = show_preview(chatting, window)
    bridge.work()
    scoring, before = chatting.runs.prompt_scoring, len(bridge.commands)
    for end in (preview.score.click, preview.close):
        assert preview.score.text() == "Score the prompt"
        preview.score.click()
        assert scoring.waiting
        assert preview.score.isEnabled()
        end()
        assert not scoring.waiting
        asked = [one for one in bridge.commands[before:] if isinstance(one, Generate)]
        assert asked
        assert all(command.cancellation.requested() for command in asked)


def test_scores_of_another_prompt_are_not_shown() -> None:
    other = [PromptToken(0, 1, "a"), PromptToken(1, 3, " c", object())]  # type: ignore[arg-type]
    assert [token.scored for token in tokens_of((1, 2), ("a", " b"), other)] == [None, None]
    assert tokens_of((1, 3), ("a", " c"), other)[1].scored is other[1].scored


def test_an_error_is_reported_and_ends_the_question(qapp: object, recipe: Recipe) -> None:
    fake = FakeBridge()
    session = Session(fake, recipe, Settings())  # type: ignore[arg-type]
    scoring = session.runs.prompt_scoring
    scoring.ask(PROMPT, recipe, left_out=[recipe.roles()[1][0]])
    asked = [command for command in fake.commands if isinstance(command, Generate)]
    assert [command.role for command in asked] == [0, 2, 3]  # both pairs have one anti-expert
    assert all(command.echo and not command.keep_rows for command in asked)
    fake.fail_run(PromptError("The prompt is too long"))
    assert session.problem is not None
    assert scoring.waiting
    scoring.cancel()
    assert not scoring.waiting
    assert all(command.cancellation.requested() for command in asked)
