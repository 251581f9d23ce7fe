"""The prompts of all roles side by side: alignment, tints, keys and the menu of a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.attribution.scored_prompt import PromptToken, ScoredPrompt
from app.checkpoints.spec import Recipe
from app.settings import Settings
from app.ui.recipe.prompt_dialogs import show_preview
from app.ui.recipe.prompt_preview import PromptPreview
from app.ui.recipe.side_by_side_prompts import SideBySidePrompts
from app.ui.state.session import Session
from tests import tiny
from tests.ui.conftest import EngineBridge

pytestmark = pytest.mark.slow

PROMPT = "the king said the king"


@pytest.fixture
def bridge(qapp: object) -> EngineBridge:
    return EngineBridge()


@pytest.fixture
def preview(
    qtbot: QtBot, bridge: EngineBridge, llama: tiny.Family, tmp_path: Path
) -> Iterator[PromptPreview]:
    """The preview of a base with a plain prompt and an expert with its template, scored."""
    plain = llama.recipe()
    expert = tiny.with_chat_template(llama.expert, tmp_path / "expert")
    recipe: Recipe = replace(plain, pairs=(replace(plain.pairs[0], expert=expert),))
    session = Session(bridge, recipe, Settings(prove_models=False))  # type: ignore[arg-type]
    session.set_prompt(PROMPT)
    bridge.ready()
    session.load()
    bridge.work()
    window = QWidget()
    qtbot.addWidget(window)
    preview = show_preview(session, window)
    bridge.work()
    preview.score.click()
    bridge.work()
    preview.roles.setCurrentRow(preview.roles.count() - 1)
    with qtbot.waitExposed(preview):
        preview.show()
    yield preview  # with its window, which would be deleted
    window.close()


def test_prompts_are_aligned_and_each_is_tinted_by_its_own_scores(
    preview: PromptPreview, llama: tiny.Family
) -> None:
    model = preview.side_by_side.model
    tokenizer = tiny.make_tokenizer()
    texts = (PROMPT, f"[user]{PROMPT}\n[assistant]", PROMPT)
    assert model.columnCount() == 3
    columns = [
        [model.token_at(model.index(row, column)) for row in range(model.rowCount())]
        for column in range(3)
    ]
    for column, text, network in zip(columns, texts, llama.models(), strict=True):
        ids = tokenizer.encode(text).ids
        assert [token.token_id for token in column if token] == ids
        with torch.inference_mode():
            rows = network(torch.tensor([ids])).logits[0, :-1].double().log_softmax(-1)
        for token in column:
            if token is not None and token.position:
                bits = (
                    -rows[token.position - 1, token.token_id].item()
                    / torch.log(torch.tensor(2.0)).item()
                )
                assert token.surprisal == pytest.approx(bits, abs=1e-3)
    inside = [row for row in range(model.rowCount()) if not model.differs(row)]
    shared = [columns[0][row] for row in inside]
    assert "".join(token.text for token in shared if token) in PROMPT
    assert len(shared) > 1
    assert all(columns[0][row] and columns[1][row] for row in inside)
    shown = model.index(inside[-1], 0), model.index(inside[-1], 1)
    colors = [index.data(Qt.ItemDataRole.BackgroundRole) for index in shown]
    assert all(isinstance(color, QColor) for color in colors)
    assert model.differences == model.rowCount() - len(inside)
    assert str(model.differences) in preview.side_by_side.count.text()


def test_a_token_is_selected_by_key_and_mouse_and_told(
    preview: PromptPreview, qtbot: QtBot
) -> None:
    table, model = preview.side_by_side.table, preview.side_by_side.model
    assert preview.details.isHidden()
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_F8)
    row = table.currentIndex().row()
    assert model.differs(row)
    same = next(row for row in range(1, model.rowCount()) if not model.differs(row))
    index = model.index(same, 1)
    table.scrollTo(index)
    qtbot.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center()
    )
    token = model.token_at(index)
    assert token is not None
    assert token.scored is not None
    told = preview.details.text()
    assert f"id {token.token_id}" in told
    assert f"rank {token.scored.attribution.rank_tuned:,}" in told
    assert "entropy" in told
    assert "Most probable" in told
    qtbot.keyClick(table, Qt.Key.Key_Down)
    after = model.token_at(table.currentIndex())
    assert after is not None
    assert f"id {after.token_id}" in preview.details.text()


def test_the_menu_copies_a_token_and_finds_it_again(preview: PromptPreview, qtbot: QtBot) -> None:
    table, model = preview.side_by_side.table, preview.side_by_side.model
    tokens = [model.token_at(model.index(row, 0)) for row in range(model.rowCount())]
    ids = [token.token_id if token else None for token in tokens]
    twice = next(
        row for row, id_ in enumerate(ids) if id_ is not None and row and ids.count(id_) == 2
    )
    again = next(row for row in range(twice + 1, len(ids)) if ids[row] == ids[twice])
    table.setCurrentIndex(model.index(twice, 0))
    actions = {action.text(): action for action in table.actions()}
    actions["Next same token"].trigger()
    assert table.currentIndex().row() == again
    actions["Previous same token"].trigger()
    assert table.currentIndex().row() == twice
    clipboard, token = QGuiApplication.clipboard(), tokens[twice]
    assert token is not None
    assert token.scored is not None
    actions["Copy the text"].trigger()
    assert clipboard.text() == token.exact_text
    actions["Copy the token id"].trigger()
    assert clipboard.text() == str(token.token_id)
    actions["Copy all numbers as JSON"].trigger()
    copied = json.loads(clipboard.text())
    assert copied["token_id"] == token.token_id
    assert copied["logprob"] == token.scored.attribution.logprob_tuned
    assert copied["rank"] == token.scored.attribution.rank_tuned
    assert copied["candidates"]["token_ids"][0] == token.scored.attribution.argmax_tuned
    gap = next(row for row, id_ in enumerate(ids) if id_ is None)
    table.setCurrentIndex(model.index(gap, 0))
    assert not actions["Copy the text"].isEnabled()
    assert preview.details.isHidden()


def test_long_prompts_are_aligned_in_the_background(qtbot: QtBot, loaded_session: Session) -> None:
    words = [f"w{number % 997}" for number in range(10_000)]
    ids = {text: id_ for id_, text in enumerate(dict.fromkeys(["[user]", "[assistant]", *words]))}
    first, second = (
        ScoredPrompt(
            role,
            [PromptToken(at, ids[text], text) for at, text in enumerate([*head, *words, *tail])],
        )
        for role, head, tail in (("base", (), ()), ("expert", ("[user]",), ("[assistant]",)))
    )
    view = SideBySidePrompts(loaded_session, str)
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    view.show_prompts([first, second])
    assert view.model.rowCount() == 0
    qtbot.waitUntil(lambda: view.model.rowCount() > 0)
    assert view.model.rowCount() == 10_002
    assert view.model.differences == 2
    view.table.setCurrentIndex(view.model.index(5, 0))
    qtbot.keyClick(view.table, Qt.Key.Key_F8)
    assert view.table.currentIndex().row() == 10_001
    assert view.table.rowAt(view.table.viewport().rect().bottomLeft().y()) >= 0
    assert (
        view.table.viewport()
        .rect()
        .contains(view.table.visualRect(view.table.currentIndex()).topLeft() + QPoint(1, 1))
    )


def test_tokens_with_the_same_text_and_other_ids_differ(
    qtbot: QtBot, loaded_session: Session
) -> None:
    prompts = [
        ScoredPrompt(role, [PromptToken(at, id_, "\ufffd") for at, id_ in enumerate(ids)])
        for role, ids in (("base", (5, 6, 7)), ("expert", (5, 8, 7)))
    ]
    view = SideBySidePrompts(loaded_session, str)
    qtbot.addWidget(view)
    view.show_prompts(prompts)
    assert [view.model.differs(row) for row in range(3)] == [False, True, False]
    assert "differ in 1 of 3 rows" in view.count.text()
    same = [prompts[0], ScoredPrompt("expert", prompts[0].tokens)]
    view.show_prompts(same)  # whose texts are those of before
    assert view.count.text().startswith("All roles read the same tokens.")


def test_a_title_that_does_not_fit_ends_in_an_ellipsis(
    qtbot: QtBot, loaded_session: Session
) -> None:
    token = PromptToken(0, 5, "a")
    prompts = [ScoredPrompt("anti-expert “A long name of a pair”" * 3, [token])] * 2
    view = SideBySidePrompts(loaded_session, str)
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show_prompts(prompts)
    assert view.table.horizontalHeader().textElideMode() is Qt.TextElideMode.ElideMiddle
