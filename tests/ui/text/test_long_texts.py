"""Texts of many tokens, which are written in parts so that the window answers in between."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.attribution.explained_token import ExplainedToken
from app.attribution.token_query import Criterion
from app.decoding.types import FinishReason
from app.engine.controls import LiveAlphas
from app.ui.compare.run_text import RunText
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.find_bar import FindBar
from app.ui.text.text_matches import SearchedText
from app.ui.text.transcript_edit import TranscriptText

TOKENS = 7000

pytestmark = pytest.mark.slow


@pytest.fixture
def long_run(finished_session: Session) -> Run:
    """A finished run of the window, that is not shown, whose tokens have numbers as texts."""
    shown = finished_session.runs.current
    assert shown is not None
    run = Run(99, "Prompt:", shown.recipe, LiveAlphas(()), labels=shown.labels)
    start = 0
    for index in range(TOKENS):
        token: ExplainedToken = replace(shown.tokens[0], index=index, text=f" {index}", start=start)
        run.tokens.append(token)
        start = token.end
    run.finish_reason = FinishReason.LENGTH
    finished_session.runs.add(run, shown=False)
    return run


def test_a_long_text_is_written_in_parts(
    finished_session: Session, long_run: Run, qtbot: QtBot
) -> None:
    view = TranscriptText(finished_session)
    qtbot.addWidget(view)
    view.resize(500, 300)
    with qtbot.waitExposed(view):
        view.show()
    finished_session.runs.show(long_run)
    assert 0 < view.places.count < TOKENS  # the window answers before the rest
    finished_session.selection.select(TOKENS - 900)
    qtbot.waitUntil(lambda: view.places.count == TOKENS)
    assert view.toPlainText() == "Prompt:" + long_run.text
    place = view.place_below(TOKENS - 900)
    assert view.rect().contains(view.mapFromGlobal(place))
    (mark,) = view.extraSelections()
    assert mark.cursor.selectedText() == f" {TOKENS - 900}"


def test_another_run_replaces_one_that_is_still_written(
    finished_session: Session, long_run: Run, qtbot: QtBot
) -> None:
    view, before = TranscriptText(finished_session), finished_session.runs.current
    qtbot.addWidget(view)
    assert before is not None
    written = view.toPlainText()
    finished_session.runs.show(long_run)
    finished_session.runs.show(before)
    QApplication.processEvents()  # the timer of the first text
    assert view.toPlainText() == written


def test_a_comparison_scrolls_to_where_the_runs_part_once_that_is_written(
    long_run: Run, qtbot: QtBot
) -> None:
    text = RunText("Run A")
    qtbot.addWidget(text)
    text.resize(400, 200)
    with qtbot.waitExposed(text):
        text.show()
    text.show_run(long_run, 5000)
    text.show_divergence()
    assert "▶" not in text.toPlainText()
    qtbot.waitUntil(lambda: text.toPlainText().endswith(f" {TOKENS - 1}"))
    assert text.verticalScrollBar().value() > 0
    start = text._map.token_range(5000)[0]
    assert text.viewport().rect().contains(text.cursorRect(text.textCursor()).center())
    assert text.textCursor().position() == start


def test_a_search_of_a_text_that_is_still_written_goes_on(
    finished_session: Session, long_run: Run, qtbot: QtBot
) -> None:
    view = TranscriptText(finished_session)
    bar = FindBar(finished_session, lambda _: [SearchedText(view)])
    qtbot.addWidget(view)
    qtbot.addWidget(bar)
    finished_session.runs.show(long_run)
    bar.find_tokens(Criterion.ID, str(long_run.tokens[0].token_id))
    assert bar.count.text() != f"1 of {TOKENS:,}"
    qtbot.waitUntil(lambda: bar.count.text() == f"1 of {TOKENS:,}")
    assert list(finished_session.selection.found.tokens) == list(range(TOKENS))
    bar.search.close()
