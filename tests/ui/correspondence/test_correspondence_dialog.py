"""The view of what corresponds to what, over a real pair of another tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.checkpoints.recipes.recipe_file import read_recipe
from app.checkpoints.spec import BRIDGE, STRICT, Recipe
from app.settings import Settings
from app.ui.correspondence.correspondence_dialog import CorrespondenceDialog
from app.ui.correspondence.readings import Reading, readings_of
from app.ui.inspector.inspector import Inspector
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.recipe.vocabulary_view import VocabularyDialog
from app.ui.state.session import LoadState, Session
from app.ui.status_bar import StatusBar
from tests import tiny
from tests.bridged_recipes import bridged_recipe
from tests.decoding.bridge.two_vocabularies import tokenizer
from tests.ui.conftest import EngineBridge

pytestmark = [pytest.mark.window, pytest.mark.slow]


@pytest.fixture
def recipe(llama: tiny.Family, tmp_path: Path) -> Recipe:
    found = bridged_recipe(llama, tmp_path)
    return replace(found, sampling=replace(found.sampling, max_new_tokens=8, seed=3))


@pytest.fixture
def engine(qapp: object) -> EngineBridge:
    return EngineBridge()


@pytest.fixture
def session(
    engine: EngineBridge, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    session = Session(engine, recipe, Settings(prove_models=False))  # type: ignore[arg-type]
    session.load()
    engine.ready()
    engine.work()
    assert session.load_state is LoadState.LOADED
    yield session
    session.history.reading.close()
    assert session.history.reading.join(60)


def opened(session: Session, qtbot: QtBot) -> CorrespondenceDialog:
    dialog = CorrespondenceDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def typed(dialog: CorrespondenceDialog, text: str, qtbot: QtBot) -> list[str]:
    """The tokens of the base after a text was typed."""
    dialog.own.click()
    dialog.text.setPlainText(text)
    qtbot.waitUntil(lambda: shown_text(dialog) == text, timeout=60_000)
    return [box.text for box in dialog.view._layout.base]


def shown_text(dialog: CorrespondenceDialog) -> str:
    return b"".join(token.spelled for token in dialog.view._text.base).decode()


@pytest.mark.parametrize("text", ["the king 123", "한국어 문장, 각.", "a\n\tb  c 😀"])
def test_a_typed_text_is_shown_in_tokens_of_both(session: Session, text: str, qtbot: QtBot) -> None:
    dialog = opened(session, qtbot)
    assert dialog.own.isChecked()
    assert not dialog.answer.isEnabled()
    typed(dialog, text, qtbot)
    own = tokenizer(300, 2).encode(text).ids
    assert [token.token_id for token in dialog.view._text.pair] == own
    count = len(dialog.view._text.base)
    assert f" of {count} tokens exactly" in dialog.totals.text()
    assert dialog.mass.isHidden()


def test_the_last_answer_is_shown_as_it_was_generated(
    session: Session, engine: EngineBridge, qtbot: QtBot
) -> None:
    session.runs.generate("the king")
    engine.work()
    run = session.runs.current
    assert run is not None
    dialog = opened(session, qtbot)
    assert dialog.answer.isChecked()
    ids = list(run.token_ids)
    qtbot.waitUntil(lambda: [t.token_id for t in dialog.view._text.base] == ids, timeout=60_000)
    assert "was compared exactly" in dialog.mass.text()
    found = readings_of(dialog.view._text, run.tokens)
    assert Reading.PIECES not in found  # it is known whether all pieces were read
    for reading, token in zip(found, run.tokens, strict=True):
        if reading in (Reading.ALL_PIECES, Reading.FIRST_PIECE):
            likely = token.attribution.p_base >= 0.01
            assert (reading is Reading.ALL_PIECES) == likely
    session.runs.score("the king", "said one two three")
    engine.work()
    scored = session.runs.current
    assert scored is not None
    ids = list(scored.token_ids)
    qtbot.waitUntil(lambda: [t.token_id for t in dialog.view._text.base] == ids, timeout=20_000)
    assert Reading.FIRST_PIECE not in readings_of(dialog.view._text, scored.tokens)
    session.set_vocabulary(STRICT)  # other models than those of the answer
    engine.work()
    assert not dialog.answer.isEnabled()
    assert dialog.own.isChecked()


def test_keys_and_mouse_choose_a_token_and_describe_it(session: Session, qtbot: QtBot) -> None:
    dialog = opened(session, qtbot)
    dialog.resize(360, 500)
    words = typed(dialog, "the king said one two three " * 12, qtbot)
    view = dialog.view
    view.setFocus()
    for key, chosen in (
        (Qt.Key.Key_Right, 0),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Left, 0),
        (Qt.Key.Key_End, len(words) - 1),
        (Qt.Key.Key_Right, len(words) - 1),
    ):
        qtbot.keyClick(view, key)
        assert view.chosen == chosen
    assert view.verticalScrollBar().value() > 0  # it scrolled to the last token
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert view.verticalScrollBar().value() == 0
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.chosen is not None
    assert view._layout.base[view.chosen].line == 1
    assert dialog.about.text() == view.accessibleDescription() == view.describe(view.chosen)
    place = view._layout.base[2].place.center() + view._origin()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place.toPoint()))
    assert view.chosen == 2
    assert dialog.about.text().startswith("“")


def test_every_box_has_room_for_its_text_and_no_box_lies_on_another(
    session: Session, qtbot: QtBot
) -> None:
    dialog = opened(session, qtbot)
    typed(dialog, "한국어 the king said 12345 " * 6, qtbot)
    metrics = dialog.view.fontMetrics()
    for row in (dialog.view._layout.base, dialog.view._layout.pair):
        for box in row:
            assert box.place.width() >= metrics.horizontalAdvance(box.text)
        for one, other in pairwise(row):
            assert not one.place.intersects(other.place)
    assert dialog.view.horizontalScrollBar().maximum() == 0


def test_the_way_is_chosen_in_the_vocabulary_dialog_and_can_be_undone(
    session: Session, engine: EngineBridge, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = VocabularyDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()
    part = dialog.bridged
    assert part.isVisible()
    assert part.way.currentData() == BRIDGE
    assert "of the base's tokens in an English text" in part.about.message
    part.way.setCurrentIndex(part.way.findData(STRICT))
    part.way.activated.emit(part.way.currentIndex())
    engine.work()
    assert session.load_state is LoadState.LOADED
    assert session.recipe.base.vocabulary == STRICT
    session.save_recipe(tmp_path / "strict.toml", "strict")
    assert read_recipe(tmp_path / "strict.toml").base.vocabulary == STRICT
    assert part.way.currentData() == STRICT
    session.undo_stack.undo()
    engine.work()
    assert part.way.currentData() == BRIDGE
    part.show_view.click()
    shown = part.window().findChildren(CorrespondenceDialog)
    assert [each.isVisible() for each in shown] == [True]


def test_every_view_says_what_the_coverage_of_such_a_pair_is(
    session: Session, engine: EngineBridge, qtbot: QtBot
) -> None:
    session.runs.generate("the king")
    engine.work()
    bar, plot, inspector = StatusBar(session), ShiftPlot(session), Inspector(session)
    for widget in (bar, plot, inspector):
        qtbot.addWidget(widget)
        widget.show()
    session.selection.select(0)
    assert bar._coverage.text().endswith("%")
    assert "pairs of another tokenizer know exactly" in bar._coverage.toolTip()
    assert "pairs of another tokenizer know exactly" in plot.legend.toggles[-1].toolTip()
    said = [label.text() for label in inspector.findChildren(QLabel)]
    (told,) = (text for text in said if "Pairs of another tokenizer know tokens with " in text)
    run = session.runs.current
    assert run is not None
    explained = run.tokens[0].attribution
    assert f", of tokens with {explained.bounded:.1%} the first piece, " in told
    assert told.endswith(f"of tokens with {explained.unknown:.1%} nothing")
