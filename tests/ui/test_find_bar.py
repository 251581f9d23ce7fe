"""Tests of finding words in the real window by keys, and of the Edit menu."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.attribution.token_query import Criterion, QueriedTokens, TokenQuery, find_tokens
from app.ui.main_window import MainWindow
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.starting import _thread_owners
from app.ui.state.session import Session
from app.ui.text import text_matches
from app.ui.text.find_bar import FindBar
from app.ui.text.query_fields import BY_PAIR, PATTERN
from app.ui.text.text_matches import SearchedText
from app.ui.text.text_pattern import TextPattern
from tests.ui.conftest import FakeBridge
from tests.ui.test_view_menu import open_window

pytestmark = pytest.mark.slow

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(finished_session: Session, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    return open_window(finished_session, tmp_path, qtbot)


def find(window: MainWindow, qtbot: QtBot, wanted: str) -> FindBar:
    qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_F, CONTROL)
    bar = window.findChild(FindBar)
    assert bar is not None
    assert bar.isVisible()
    assert bar.field.hasFocus()
    qtbot.keyClicks(bar.field, wanted)
    return bar


def selected(text: QPlainTextEdit) -> tuple[int, str]:
    cursor = text.textCursor()
    return cursor.selectionStart(), cursor.selectedText()


def test_matches_of_the_text_are_counted_and_selected_in_turn(
    window: MainWindow, qtbot: QtBot, finished_session: Session
) -> None:
    text = window.transcript.text
    text.setFocus()
    bar = find(window, qtbot, "KING")
    shown = text.toPlainText()
    places = [at for at in range(len(shown)) if shown.startswith("king", at)]
    assert len(places) > 2
    assert bar.count.text() == f"1 of {len(places)}"
    seen = [selected(text)]
    for _ in places:
        qtbot.keyClick(bar.field, Qt.Key.Key_Return)
        seen.append(selected(text))
    assert seen == [(at, "king") for at in (*places, places[0])]
    qtbot.keyClick(bar.field, Qt.Key.Key_Return, SHIFT)
    assert selected(text) == (places[-1], "king")
    chosen = finished_session.selection.range
    assert chosen is not None
    assert "king" in finished_session.runs.current.tokens[chosen[0]].text  # type: ignore[union-attr]


def test_escape_closes_the_bar_and_returns_to_the_text(window: MainWindow, qtbot: QtBot) -> None:
    window.transcript.text.setFocus()
    bar = find(window, qtbot, "no such words")
    assert bar.count.text() == "not found"
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    assert window.transcript.text.hasFocus()


def test_the_prompt_is_searched_from_within_it(window: MainWindow, qtbot: QtBot) -> None:
    window.prompt.set_text("one two one\n한 one")
    window.prompt.focus()
    bar = find(window, qtbot, "one")
    assert bar.count.text() == "1 of 3"
    qtbot.keyClick(bar.field, Qt.Key.Key_F3, SHIFT)
    assert selected(window.prompt.edit) == (14, "one")


def test_messages_and_answers_of_a_conversation_are_searched(
    loaded_session: Session, bridge: FakeBridge, tmp_path: Path, qtbot: QtBot
) -> None:
    loaded_session.mode.choose(True)
    window = open_window(loaded_session, tmp_path, qtbot)
    for message in ("the king?", "and then"):
        window.chat.entry.setPlainText(message)
        qtbot.keyClick(window.chat.entry, Qt.Key.Key_Return)
        bridge.complete(60)
    window.chat.turns[0].answer.tokens.setFocus()  # type: ignore[union-attr]
    bar = find(window, qtbot, "king")
    first, second = window.chat.turns
    answers = [view.answer.tokens for view in (first, second)]
    counts = [text.toPlainText().count("king") for text in answers]  # type: ignore[union-attr]
    assert all(counts)
    assert bar.count.text() == f"1 of {1 + sum(counts)}"
    assert first.message.text.selectedText() == "king"
    for _ in range(sum(counts)):
        qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert first.message.text.selectedText() == ""
    assert selected(answers[0])[1] == ""  # type: ignore[arg-type]
    assert selected(answers[1])[1] == "king"  # type: ignore[arg-type]
    assert loaded_session.runs.current is second.turn.answer


# Other searches than for words


def search(window: MainWindow, qtbot: QtBot, kind: str, text: str = "") -> FindBar:
    """Open the bar and choose what is searched for; a text is typed."""
    bar = window.findChild(FindBar)
    assert bar is not None
    if not bar.isVisible():
        find(window, qtbot, "")
    bar.fields.kind.setCurrentIndex(bar.fields.kind.findData(kind))
    if text:
        bar.field.selectAll()
        qtbot.keyClicks(bar.field, text)
    return bar


def counted(bar: FindBar) -> int:
    """The number of matches that the bar says."""
    told = bar.count.text()
    return 0 if told == "not found" else int(told.split(" of ")[1])


def test_matches_are_found_across_lines(window: MainWindow, qtbot: QtBot) -> None:
    window.prompt.set_text("one two\nthree two\nthree")
    window.prompt.focus()
    bar = find(window, qtbot, "")
    bar.field.setText("TWO↵three")
    assert bar.count.text() == "1 of 2"
    assert selected(window.prompt.edit) == (4, "two\u2029three")


def test_the_program_waits_for_a_search_when_it_ends(
    window: MainWindow, finished_session: Session, bridge: FakeBridge
) -> None:
    owners = _thread_owners(window, finished_session, bridge)  # type: ignore[arg-type]
    (search,) = (named.owner for named in owners if named.owner is window.find_bar.search)
    taken: list[object] = []
    texts = [SearchedText(window.transcript.text)]
    window.find_bar.search.find(texts, TextPattern("k.ng", regular=True), taken.append)
    search.close()
    assert search.join(60)
    QApplication.sendPostedEvents()
    assert taken == []


def test_a_regular_expression_is_searched_in_the_background(
    window: MainWindow, qtbot: QtBot, finished_session: Session
) -> None:
    run = finished_session.runs.current
    assert run
    window.transcript.text.setFocus()
    bar = search(window, qtbot, PATTERN, r"\bki(ng|nd)\b")
    expected = len(re.findall(r"\bki(?:ng|nd)\b", f"Once upon a time{run.text}"))
    assert expected
    qtbot.waitUntil(lambda: bar.count.text() == f"1 of {expected}")
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert bar.count.text() == f"2 of {expected}"  # without another search
    assert selected(window.transcript.text)[1] == "king"


def test_a_mistake_in_an_expression_is_shown_in_the_bar(window: MainWindow, qtbot: QtBot) -> None:
    window.transcript.text.setFocus()
    bar = search(window, qtbot, PATTERN, "(king")
    qtbot.waitUntil(lambda: not bar.mistake.isHidden())
    assert "missing )" in bar.mistake.text()
    qtbot.keyClicks(bar.field, ")")
    qtbot.waitUntil(bar.mistake.isHidden)
    assert counted(bar) > 1


def test_an_expression_without_end_leaves_the_window_alive(
    window: MainWindow, qtbot: QtBot
) -> None:
    """The watchdog of the tests fails a test whose window waits."""
    window.prompt.set_text("a" * 5_000 + "!")
    window.prompt.focus()
    bar = search(window, qtbot, PATTERN, "(a|aa)+$")
    qtbot.waitUntil(lambda: "too long" in bar.mistake.text())
    assert bar.count.text() == ""


def test_tokens_are_found_by_what_is_known_of_them(
    window: MainWindow, qtbot: QtBot, finished_session: Session
) -> None:
    run, selection = finished_session.runs.current, finished_session.selection
    assert run
    flips = [token.index for token in run.tokens if token.attribution.flipped]
    ids = [token.index for token in run.tokens if token.token_id == run.tokens[5].token_id]
    ranks = [token.index for token in run.tokens if token.attribution.rank_base > 3]
    tuned = [token.index for token in run.tokens if token.attribution.rank_tuned > 2]
    window.transcript.text.setFocus()
    for kind, text, expected in (
        (Criterion.FLIP, "", flips),
        (Criterion.ID, str(run.tokens[5].token_id), ids),
        (Criterion.RANK, "3", ranks),
        (Criterion.TUNED_RANK, "2", tuned),
    ):
        assert expected
        bar = search(window, qtbot, kind, text)
        assert list(selection.found.tokens) == expected
        seen = [selection.token]
        for _ in expected[1:]:
            qtbot.keyClick(bar, Qt.Key.Key_F3)
            seen.append(selection.token)
        assert sorted(seen) == expected  # type: ignore[type-var]
        assert counted(bar) == len(expected)


def test_tokens_are_found_by_pair_and_class(
    window: MainWindow, qtbot: QtBot, finished_session: Session
) -> None:
    run, selection = finished_session.runs.current, finished_session.selection
    assert run
    window.transcript.text.setFocus()
    bar = search(window, qtbot, BY_PAIR)
    choice = bar.fields.choice
    choice.setCurrentIndex(choice.findText("lowered most by Arithmetic"))
    parts = [token.attribution.contributions for token in run.tokens]
    assert list(selection.found.tokens) == [i for i, (a, b) in enumerate(parts) if b < min(a, 0)]
    bar = search(window, qtbot, Criterion.CLASS)
    choice.setCurrentIndex(choice.findText("digits"))
    assert list(selection.found.tokens) == [t.index for t in run.tokens if t.text == " 42"]


def test_what_is_no_number_is_told(window: MainWindow, qtbot: QtBot) -> None:
    bar = search(window, qtbot, Criterion.RANK, "ten")
    assert bar.mistake.text() == "“ten” is no number"


def test_matches_are_framed_until_the_bar_closes(
    window: MainWindow, qtbot: QtBot, finished_session: Session
) -> None:
    text = window.transcript.text
    text.setFocus()
    bar = search(window, qtbot, Criterion.RANK)
    bar.field.setText("")
    QApplication.processEvents()
    finished_session.selection.select(None)
    text.verticalScrollBar().setValue(0)
    before = text.viewport().grab().toImage()
    search(window, qtbot, Criterion.FLIP)
    finished_session.selection.select(None)
    text.verticalScrollBar().setValue(0)
    assert text.viewport().grab().toImage() != before
    search(window, qtbot, Criterion.RANK)
    text.verticalScrollBar().setValue(0)
    assert text.viewport().grab().toImage() == before
    search(window, qtbot, Criterion.FLIP)
    (plot,) = window.findChildren(ShiftPlot)
    found = finished_session.selection.found.tokens
    assert len(found) > 1
    assert len(plot.pane.marks.ticks.pixels(found)) == len(found)
    qtbot.keyClick(bar.fields.kind, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    assert list(finished_session.selection.found.tokens) == []


def test_a_text_that_grows_is_searched_again(
    window: MainWindow, qtbot: QtBot, finished_session: Session, bridge: FakeBridge
) -> None:
    window.transcript.text.setFocus()
    bar = search(window, qtbot, Criterion.RANK, "0")
    assert bar.count.text().endswith("of 60")
    finished_session.runs.continue_run(20)
    bridge.decode(20, start=60)
    bridge.finish_run(tokens=80)
    qtbot.waitUntil(lambda: bar.count.text().endswith("of 80"))


def test_bookmarks_are_searched_again_when_one_is_set_or_removed(
    window: MainWindow, qtbot: QtBot, finished_session: Session
) -> None:
    selection = finished_session.selection
    selection.bookmarks.toggle(3)
    window.transcript.text.setFocus()
    bar = search(window, qtbot, Criterion.BOOKMARK)
    assert bar.count.text() == "1 of 1"
    selection.bookmarks.toggle(9)
    assert bar.count.text() == "1 of 2"
    selection.bookmarks.toggle(3)
    assert bar.count.text() == "1 in all"
    assert list(selection.found.tokens) == [9]


def test_found_tokens_are_kept_until_the_text_changes(
    window: MainWindow,
    qtbot: QtBot,
    finished_session: Session,
    bridge: FakeBridge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[tuple[Criterion, int]] = []

    def count(query: TokenQuery, asked: QueriedTokens) -> list[int]:
        searched.append((query.criterion, len(asked.tokens)))
        return find_tokens(query, asked)

    monkeypatch.setattr(text_matches, "find_tokens", count)
    window.transcript.text.setFocus()
    bar = search(window, qtbot, Criterion.FLIP)
    for _ in range(3):
        qtbot.keyClick(bar, Qt.Key.Key_F3)
    assert searched == [(Criterion.FLIP, 60)]
    search(window, qtbot, Criterion.RANK, "0")
    assert searched[-1] == (Criterion.RANK, 60)
    finished_session.runs.continue_run(20)
    bridge.decode(20, start=60)
    bridge.finish_run(tokens=80)
    qtbot.waitUntil(lambda: bar.count.text().endswith("of 80"))
    assert searched[-1] == (Criterion.RANK, 80)
    before = len(searched)
    finished_session.runs.generate("Another prompt")
    bridge.start_run()
    bridge.decode(60)
    bridge.finish_run(tokens=60)
    qtbot.waitUntil(lambda: bar.count.text().endswith("60 in all"))
    assert searched[before:][-1] == (Criterion.RANK, 60)


# The Edit menu


def action(window: MainWindow, text: str) -> QAction:
    return next(a for a in window.findChildren(QAction) if a.text().replace("&", "") == text)


def test_the_clipboard_follows_the_focus(window: MainWindow, qtbot: QtBot) -> None:
    window.prompt.set_text("some words")
    window.prompt.focus()
    for name in ("Cut", "Copy", "Paste", "Select all"):
        assert action(window, name).isEnabled()
    action(window, "Select all").trigger()
    action(window, "Cut").trigger()
    assert window.prompt.text == ""
    action(window, "Paste").trigger()
    assert window.prompt.text == "some words"
    window.transcript.text.setFocus()
    assert not action(window, "Cut").isEnabled()
    action(window, "Select all").trigger()
    action(window, "Copy").trigger()
    assert QApplication.clipboard().text().startswith("Once upon a time")
    window.menuBar().setFocus()
    assert action(window, "Copy").isEnabled()  # a menu that is open keeps the field


def test_undo_is_for_the_field_or_else_for_the_recipe(
    window: MainWindow, qtbot: QtBot, finished_session: Session
) -> None:
    alpha = finished_session.recipe.alphas[0]
    finished_session.set_alpha(0, 1.75)
    window.prompt.focus()
    qtbot.keyClicks(window.prompt.edit, "x")
    action(window, "Undo change α")
    typed = window.prompt.text
    for menu in window.menuBar().actions():
        if menu.text() == "&Edit":
            menu.menu().aboutToShow.emit()  # type: ignore[union-attr]
    action(window, "Undo typing").trigger()
    assert window.prompt.text != typed
    assert finished_session.recipe.alphas[0] == 1.75
    window.transcript.text.setFocus()
    action(window, "Undo change α").trigger()
    assert finished_session.recipe.alphas[0] == alpha
