"""Tests of the transcript by mouse and keyboard."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.attribution.explained_token import ExplainedToken
from app.attribution.tint_scale import Tint
from app.decoding.shown_text import show
from app.decoding.types import FinishReason
from app.ui.state.runs.token_groups import Grouping
from app.ui.state.session import Session
from app.ui.text.legend import TintLegend
from app.ui.text.tint import scale_of
from app.ui.text.transcript import TranscriptView
from app.ui.text.transcript_edit import TranscriptText
from app.ui.text.transcript_text import TextMap
from app.ui.theme import DARK, LIGHT, current_theme, palette
from app.ui.utf16 import utf16_length
from tests.ui.conftest import FakeBridge

NoModifier = Qt.KeyboardModifier.NoModifier
Left = Qt.MouseButton.LeftButton


@pytest.fixture
def view(finished_session: Session, qtbot: QtBot) -> TranscriptView:
    return shown(TranscriptView(finished_session), qtbot)


@pytest.fixture
def text(view: TranscriptView) -> TranscriptText:
    return view.text


def shown(view: TranscriptView, qtbot: QtBot) -> TranscriptView:
    qtbot.addWidget(view)
    view.resize(620, 300)
    with qtbot.waitExposed(view):
        view.show()
    return view


def write(session: Session, texts: list[str], flipped: bool = False) -> None:
    """Emit tokens with these texts."""
    assert session.runs.current
    template = session.runs.current.tokens[0]
    first = len(session.runs.current.tokens)
    start = len(session.runs.current.text)
    for index, text in enumerate(texts, first):
        token = ExplainedToken(index, 0, text, start, template.alphas, 0.5, template.attribution)
        session.runs.current.tokens.append(token)
        start += len(text)
    session.runs.tokens_added.emit(first)


def place_of(text: TranscriptText, index: int) -> int:
    """Start of a token in the document, determined from the formats of prompt and tokens."""
    return text.places.token_range(index)[0]


def middle_of(text: TranscriptText, index: int) -> QPoint:
    """Centre of the first character of a token in the viewport."""
    cursor = QTextCursor(text.document())
    cursor.setPosition(place_of(text, index))
    left = text.cursorRect(cursor)
    cursor.movePosition(QTextCursor.MoveOperation.Right)
    right = text.cursorRect(cursor)
    return QPoint((left.left() + right.left()) // 2, left.center().y())


def format_at(text: TranscriptText, position: int) -> QTextCharFormat:
    cursor = QTextCursor(text.document())
    cursor.setPosition(position + 1)
    return cursor.charFormat()


def visible_labels(view: TranscriptView) -> str:
    labels = view.findChildren(QLabel)
    return " ".join(label.text() for label in labels if label.isVisible())


# Content


def pixels_of(text: TranscriptText, index: int) -> Counter[str]:
    """Counts of the visible background colours of a token."""
    image = text.viewport().grab().toImage()
    start, end = text.places.token_range(index)
    cursor = QTextCursor(text.document())
    cursor.setPosition(start)
    left = text.cursorRect(cursor)
    cursor.setPosition(end)
    right = text.cursorRect(cursor)
    if right.top() != left.top():  # the token ends on another line
        right = left.translated(6, 0)
    return Counter(
        image.pixelColor(x, y).name()
        for x in range(left.left() + 1, right.left())
        for y in range(left.top() + 1, left.bottom())
    )


def colors_of(widget: QWidget) -> set[str]:
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
    }


def background_of(text: TranscriptText, index: int) -> str:
    return pixels_of(text, index).most_common(1)[0][0]


def test_prompt_comes_first_untinted_and_then_the_tokens(
    text: TranscriptText, finished_session: Session
) -> None:
    run = finished_session.runs.current
    assert run
    assert text.toPlainText().startswith(run.prompt)
    scale = scale_of(Tint(), Grouping.TOKEN, current_theme())
    colors = set()
    for token in run.tokens[:25]:
        shift = (token.attribution.logprob_tuned - token.attribution.logprob_base) / math.log(2)
        assert background_of(text, token.index) == scale.color(shift).name()
        colors.add(background_of(text, token.index))
    assert len(colors) > 10
    top_left = text.viewport().grab().toImage().pixelColor(0, 2)
    assert top_left == QColor(LIGHT.surface), "the prompt has no tint"


def test_underline_marks_exactly_the_flipped_tokens(
    text: TranscriptText, finished_session: Session
) -> None:
    assert finished_session.runs.current
    tokens = [token for token in finished_session.runs.current.tokens[:25] if token.text.strip()]

    def underlined(index: int) -> bool:
        """Whether a row of pixels below the token has the colour of text."""
        image = text.viewport().grab().toImage()
        start, end = text.places.token_range(index)
        cursor = QTextCursor(text.document())
        cursor.setPosition(start + 1)
        left = text.cursorRect(cursor)
        cursor.setPosition(end)
        right = text.cursorRect(cursor)
        dark = [
            all(
                image.pixelColor(x, y).lightness() < 140
                for x in range(left.left() + 1, right.left() - 1)
            )
            for y in range(left.center().y(), left.bottom() + 1)
        ]
        return right.left() - left.left() > 6 and any(dark)

    wide = [token for token in tokens if len(token.text) > 3]
    flipped = [token.attribution.flipped for token in wide]
    assert [underlined(token.index) for token in wide] == flipped
    assert True in flipped
    assert False in flipped


def test_streamed_tokens_appear_in_order(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    view = shown(TranscriptView(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    for start in range(0, 30, 10):
        bridge.decode(10, start=start)
    assert loaded_session.runs.current
    view.text.selectAll()
    copied = view.text.createMimeDataFromSelection().text()
    assert copied == "Once" + loaded_session.runs.current.text
    assert len(loaded_session.runs.current.tokens) == 30


@pytest.mark.parametrize(
    ("exact", "mark"),
    [
        ("\n", "↵\n"),
        ("\t", "⇥\t"),
        ("\r", "␍"),
        ("\x00", "␀"),
        ("\x7f", "⟨7F⟩"),
        ("\u200b", "⟨200B⟩"),
        ("\u202e", "⟨202E⟩"),
        ("\u2066", "⟨2066⟩"),
        ("\ufeff", "⟨FEFF⟩"),
        ("\u2028", "⟨2028⟩"),
        ("\u200d", "⟨200D⟩"),
    ],
)
def test_invisible_characters_are_marked(exact: str, mark: str) -> None:
    assert list(show(exact)) == [(mark, exact)]


def test_joiners_inside_an_emoji_leave_it_whole() -> None:
    family = "👩\u200d👧"
    assert list(show(family)) == [(family, family)]


def test_bytes_of_a_partial_character_show_their_label(
    text: TranscriptText, finished_session: Session
) -> None:
    run = finished_session.runs.current
    assert run
    run.labels = ("⟨E2 82⟩", *run.labels[1:])
    write(finished_session, ["", "€"])
    assert text.toPlainText().endswith("⟨E2 82⟩€")
    text.selectAll()
    assert text.createMimeDataFromSelection().text() == run.prompt + run.text


# Copy


def test_copy_gives_the_exact_text(text: TranscriptText, finished_session: Session) -> None:
    write(finished_session, ["\n", "a\tb", "\u200b", " 한글", "👩\u200d👧", "e\u0301", "\r\n"])
    run = finished_session.runs.current
    assert run
    text.setFocus()
    text.selectAll()
    text.copy()
    assert QGuiApplication.clipboard().text() == run.prompt + run.text


def test_dragging_selects_text_and_not_a_token(
    text: TranscriptText, finished_session: Session, qtbot: QtBot
) -> None:
    start, end = QPoint(1, middle_of(text, 0).y()), middle_of(text, 0)
    qtbot.mousePress(text.viewport(), Left, NoModifier, start)
    qtbot.mouseMove(text.viewport(), end)
    qtbot.mouseRelease(text.viewport(), Left, NoModifier, end)
    assert text.textCursor().hasSelection()
    assert finished_session.selection.token is None


characters = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from("\n\t\r\x00\u200b\u200d\u202e\u2028\ufffc\ufdd0é한👩👧🏽\u0301א"),
)


@given(st.text(characters, max_size=8), st.lists(st.text(characters, max_size=6), max_size=8))
def test_positions_map_to_exact_text_and_back(prompt: str, tokens: list[str]) -> None:
    document, mapping = QTextDocument(), TextMap()
    cursor = QTextCursor(document)

    def insert(text: str) -> None:
        for drawn, exact in show(text):
            mapping.add(drawn, exact)
            cursor.insertText(drawn)

    insert(prompt)
    for token in tokens:
        mapping.begin_token()
        insert(token)
    assert mapping.end == document.characterCount() - 1, "Qt holds what the map believes"
    assert mapping.exact(0, mapping.end) == prompt + "".join(tokens)
    ranges = [mapping.token_range(index) for index in range(len(tokens))]
    assert [mapping.exact(*span) for span in ranges] == tokens
    for index, (start, end) in enumerate(ranges):
        assert {mapping.token_at(position) for position in range(start, end)} <= {index}
    assert all(a[1] == b[0] for a, b in itertools.pairwise(ranges))


def cuts(text: str) -> list[tuple[int, int]]:
    """Possible cursor positions: (position in the document, offset in the exact text)."""
    found, position, offset = [(0, 0)], 0, 0
    for drawn, exact in show(text):
        for character in exact:
            offset += 1
            position += utf16_length(character if drawn == exact else drawn)
            found.append((position, offset))
    return found


@given(st.text(characters, min_size=1, max_size=20), st.data())
def test_the_two_parts_of_a_cut_copy_all_text_once(text: str, data: st.DataObject) -> None:
    mapping = TextMap()
    for drawn, exact in show(text):
        mapping.add(drawn, exact)
    position, offset = data.draw(st.sampled_from(cuts(text)))
    parts = mapping.exact(0, position), mapping.exact(position, mapping.end)
    assert parts == (text[:offset], text[offset:])


# Selection


@pytest.mark.parametrize("index", [0, 3, 17, 40])
def test_click_selects_the_token_under_the_pointer(
    text: TranscriptText, finished_session: Session, qtbot: QtBot, index: int
) -> None:
    qtbot.mouseClick(text.viewport(), Left, NoModifier, middle_of(text, index))
    assert finished_session.selection.token == index


def test_click_on_the_prompt_or_beside_the_text_selects_nothing(
    text: TranscriptText, finished_session: Session, qtbot: QtBot
) -> None:
    qtbot.mouseClick(text.viewport(), Left, NoModifier, QPoint(3, middle_of(text, 0).y()))
    below = text.viewport().rect().bottomRight() - QPoint(2, 2)
    qtbot.mouseClick(text.viewport(), Left, NoModifier, below)
    assert finished_session.selection.token is None


def test_keys_move_the_selection(
    text: TranscriptText, finished_session: Session, qtbot: QtBot
) -> None:
    moves = []
    for key in ("Right", "Right", "Left", "End", "Left", "Home", "Left"):
        qtbot.keyClick(text, getattr(Qt.Key, f"Key_{key}"))
        moves.append(finished_session.selection.token)
    assert moves == [0, 1, 0, 59, 58, 0, 0]


def test_up_and_down_move_by_line(
    text: TranscriptText, finished_session: Session, qtbot: QtBot
) -> None:
    finished_session.selection.select(0)
    tops = [middle_of(text, 0).y()]
    for _ in range(3):
        qtbot.keyClick(text, Qt.Key.Key_Down)
        assert finished_session.selection.token is not None
        tops.append(middle_of(text, finished_session.selection.token).y())
    assert tops == sorted(set(tops))
    for _ in range(3):
        qtbot.keyClick(text, Qt.Key.Key_Up)
    assert finished_session.selection.token is not None
    assert middle_of(text, finished_session.selection.token).y() == tops[0]


def test_down_leaves_a_token_of_several_lines(
    text: TranscriptText, finished_session: Session, qtbot: QtBot
) -> None:
    write(finished_session, ["\n\n\n", "after"])
    finished_session.selection.select(60)
    qtbot.keyClick(text, Qt.Key.Key_Down)
    assert finished_session.selection.token == 61


def test_the_selected_token_is_marked_and_described(
    text: TranscriptText, finished_session: Session
) -> None:
    finished_session.selection.select(5)
    (mark,) = text.extraSelections()
    start, end = mark.cursor.selectionStart(), mark.cursor.selectionEnd()
    assert (start, end) == text.places.token_range(5)
    assert finished_session.runs.current
    rank = finished_session.runs.current.tokens[5].attribution.rank_tuned
    assert f"→ {rank}" in text.accessibleDescription()
    finished_session.selection.select(None)
    assert not text.extraSelections()


def test_new_tokens_after_a_selected_last_token_are_not_marked(
    text: TranscriptText, finished_session: Session
) -> None:
    finished_session.selection.select(59)
    finished_session.selection.select_range((50, 60))
    before = [
        (mark.cursor.selectionStart(), mark.cursor.selectionEnd())
        for mark in text.extraSelections()
    ]
    assert before == [
        (place_of(text, 50), text.places.token_range(59)[1]),
        text.places.token_range(59),
    ]
    write(finished_session, [" and", " more"])
    assert [
        (mark.cursor.selectionStart(), mark.cursor.selectionEnd())
        for mark in text.extraSelections()
    ] == before


def test_new_tokens_after_text_selected_to_the_end_are_not_selected(
    text: TranscriptText, finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    text.selectAll()
    selected = text.textCursor().selectedText()
    write(finished_session, [" and", " more"])
    assert text.textCursor().selectedText() == selected
    assert text.toPlainText().endswith(" and more")
    finished_session.runs.generate("Once upon a time")  # another document
    bridge.complete(10)
    qtbot.mousePress(text.viewport(), Left, pos=QPoint(2, 4))
    qtbot.mouseMove(text.viewport(), text.viewport().rect().bottomRight())
    qtbot.mouseRelease(text.viewport(), Left, pos=text.viewport().rect().bottomRight())
    selected = text.textCursor().selectedText()
    assert text.textCursor().selectionEnd() == text.places.token_range(9)[1]
    write(finished_session, [" and", " more"])
    assert text.textCursor().selectedText() == selected


def test_selecting_elsewhere_scrolls_the_token_into_view(
    text: TranscriptText, finished_session: Session
) -> None:
    write(finished_session, ["line\n"] * 100)
    for index in (150, 2):
        finished_session.selection.select(index)
        assert text.viewport().rect().contains(middle_of(text, index))


def test_the_tool_tip_has_the_numbers_and_escapes_markup(
    text: TranscriptText, finished_session: Session
) -> None:
    write(finished_session, ["<b>&"])
    tip = text.tool_tip(60)
    assert "“&lt;b&gt;&amp;”" in tip
    for part in ("base", "tuned", "rank", "Shakespeare", "Arithmetic"):
        assert part in tip


# Scrolling


def test_follows_generation_until_the_user_scrolls_up(
    text: TranscriptText, finished_session: Session
) -> None:
    bar = text.verticalScrollBar()
    write(finished_session, ["line\n"] * 100)
    assert bar.value() == bar.maximum() > 0
    bar.setValue(10)
    write(finished_session, ["line\n"] * 100)
    assert bar.value() == 10
    bar.setValue(bar.maximum())
    write(finished_session, ["line\n"] * 100)
    assert bar.value() == bar.maximum()


# States


def test_shows_instructions_while_there_is_no_run(loaded_session: Session, qtbot: QtBot) -> None:
    view = shown(TranscriptView(loaded_session), qtbot)
    assert "Generate" in visible_labels(view)


def test_shows_what_it_waits_for(loaded_session: Session, bridge: FakeBridge, qtbot: QtBot) -> None:
    view = shown(TranscriptView(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    assert "reading the prompt" in visible_labels(view)
    bridge.decode(1)
    assert "reading the prompt" not in visible_labels(view)


def test_shows_that_the_models_are_loading(session: Session, qtbot: QtBot) -> None:
    view = shown(TranscriptView(session), qtbot)
    session.runs.generate("Once")
    assert "waiting for the models" in visible_labels(view)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (FinishReason.EOS, "end of text"),
        (FinishReason.STOP, "stop string"),
        (FinishReason.LENGTH, "token limit"),
        (FinishReason.CONTEXT, "context full: shorten the prompt"),
        (FinishReason.CANCELLED, "stopped"),
    ],
)
def test_shows_the_finish_reason(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot, reason: FinishReason, words: str
) -> None:
    view = shown(TranscriptView(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    bridge.decode(3)
    assert words not in visible_labels(view)
    bridge.finish_run(reason, 3)
    assert words in visible_labels(view)


def test_shows_that_a_run_has_no_tokens(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    view = shown(TranscriptView(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    bridge.finish_run(FinishReason.EOS)
    assert "at once" in visible_labels(view)


def test_another_run_replaces_the_text(view: TranscriptView, finished_session: Session) -> None:
    finished_session.selection.select(4)
    finished_session.runs.generate("Another")
    assert view.text.toPlainText() == "Another"
    assert not view.text.extraSelections()


def test_another_theme_recolours_and_keeps_the_scroll_position(
    view: TranscriptView,
    finished_session: Session,
    qapp: QApplication,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = view.text
    write(finished_session, ["line\n"] * 100)
    text.verticalScrollBar().setValue(40)
    top = text.firstVisibleBlock().blockNumber()
    assert format_at(text, place_of(text, 0)).foreground().color() == QColor(LIGHT.text)
    before = qapp.palette()
    monkeypatch.setattr("app.ui.text.transcript_edit.current_theme", lambda: DARK)
    qapp.setPalette(palette(DARK))
    qapp.processEvents()
    try:
        assert format_at(text, place_of(text, 0)).foreground().color() == QColor(DARK.text)
        assert text.firstVisibleBlock().blockNumber() == top
        (legend,) = view.findChildren(TintLegend)
        colors = colors_of(legend)
        scale = scale_of(Tint(), Grouping.TOKEN, DARK)
        assert {scale.color(limit).name() for limit in (-scale.limit, scale.limit)} <= colors
    finally:
        qapp.setPalette(before)


def test_follows_from_the_first_token_after_a_long_prompt(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    view = TranscriptView(loaded_session)
    text, bar = view.text, view.text.verticalScrollBar()
    shown(view, qtbot)
    loaded_session.runs.generate("a king said thou art " * 105)
    bridge.start_run()
    for start in range(0, 60, 20):
        bridge.decode(20, start=start)
        QApplication.processEvents()
        assert bar.value() == bar.maximum() > 0
        assert not text.horizontalScrollBar().isVisible()
    view.resize(400, 260)
    QApplication.processEvents()
    assert bar.value() == bar.maximum()
    bar.setValue(3)
    bridge.decode(20, start=60)
    assert bar.value() == 3
    bar.setValue(bar.maximum())
    bridge.decode(40, start=80)
    assert bar.value() == bar.maximum()
