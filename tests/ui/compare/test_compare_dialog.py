"""Tests of the dialog that compares two runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.attribution.run_totals import totals_of
from app.attribution.tint_scale import TintScale
from app.colors import FULL_SHIFT_BITS
from app.evaluation.run_comparison import SharedTokens, mean_with_interval
from app.ui.compare.compare_dialog import CompareDialog
from app.ui.compare.run_text import RunText
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs
from app.ui.state.session import Session
from app.wording import quoted
from tests.ui.conftest import FakeBridge, invent_step


@pytest.fixture
def runs(finished_session: Session, bridge: FakeBridge) -> Runs:
    """Runs: one of 60 tokens, and a branch of 30 tokens of which 20 are shared."""
    runs = finished_session.runs
    first = runs.current
    assert first
    seed = next(seed for seed in range(1, 50) if _token(20, seed) != first.tokens[20].token_id)
    runs.fork(20)
    bridge.complete(10, seed=seed)
    return runs


def _token(index: int, seed: int) -> int:

    return invent_step(index, (1.0, 0.4), 0, seed).token_id


@pytest.fixture
def dialog(finished_session: Session, runs: Runs, qtbot: QtBot) -> CompareDialog:
    made = CompareDialog(finished_session)
    qtbot.addWidget(made)
    made.compare(None, None)
    made.show()
    return made


def shown(dialog: CompareDialog) -> list[Run | None]:
    return [column.run for column in dialog.columns]


def test_the_shown_run_is_compared_with_its_parent(dialog: CompareDialog, runs: Runs) -> None:
    assert shown(dialog) == runs.all
    first, branch = runs.all
    for column, run in zip(dialog.columns, (first, branch), strict=True):
        text = column.text.toPlainText()
        shared = "".join(token.text for token in run.tokens[:20]).replace("\n", "↵\n")
        before, mark, after = text.partition("▶ ")
        assert before.replace("⇥\t", "\t") == "Once upon a time" + shared.replace("⇥\t", "\t")
        assert mark
        assert after
    assert dialog.strip.describe(25).startswith("token 26")


def test_copying_gives_the_text_without_the_marks(dialog: CompareDialog, runs: Runs) -> None:
    column = dialog.columns[1]
    column.text.selectAll()
    copied = column.text.createMimeDataFromSelection().text()
    assert copied == "Once upon a time" + runs.all[1].text


def test_statistics_are_those_of_the_tokens_after_the_divergence(
    dialog: CompareDialog, runs: Runs
) -> None:
    branch = runs.all[1]
    own = [token.attribution for token in branch.tokens[20:]]
    found = totals_of(branch.series, 20)
    assert found
    assert found.tokens == 10
    tuned = np.prod([one.p_tuned for one in own]) ** (-1 / 10)
    base = np.prod([one.p_base for one in own]) ** (-1 / 10)
    assert found.perplexity_tuned == pytest.approx(tuned, rel=1e-6)
    assert found.perplexity_base == pytest.approx(base, rel=1e-6)
    shift = np.mean([math.log2(one.p_tuned / one.p_base) for one in own])
    assert found.mean_shift == pytest.approx(shift, rel=1e-4)
    assert found.flips == sum(one.argmax_base != one.argmax_tuned for one in own)
    assert dialog.columns[1].figures.text().startswith("from token 21 on · perplexity")
    assert totals_of(branch.series, 30) is None


def test_a_token_is_selected_in_both_runs(dialog: CompareDialog, runs: Runs, qtbot: QtBot) -> None:
    qtbot.keyClick(dialog.strip, Qt.Key.Key_Right)  # selects the first token after the divergence
    assert dialog.strip.accessibleDescription() == dialog.strip.describe(20)
    qtbot.keyClick(dialog.columns[0].text, Qt.Key.Key_Right)
    for column in dialog.columns:
        (mark,) = column.text.extraSelections()
        assert column.run
        assert mark.cursor.selectedText().strip("⇥↵\u2029\t ") in (
            column.run.tokens[21].text.strip(),
            "",
        )
    assert "the run has ended" in dialog.strip.describe(40)
    dialog.choose(40)  # only the first run has this token
    assert dialog.columns[1].text.extraSelections() == []


def test_new_tokens_after_the_chosen_last_token_are_not_marked(
    runs: Runs, bridge: FakeBridge, qtbot: QtBot
) -> None:
    text = RunText("run")
    qtbot.addWidget(text)
    runs.generate("Something else")
    bridge.start_run()
    bridge.decode(3)
    assert runs.current
    text.show_run(runs.current, None)
    text.choose(2)
    (mark,) = text.extraSelections()
    marked, selected = mark.cursor.selectedText(), text.toPlainText()
    text.selectAll()
    bridge.decode(2, start=3)
    text.append_new()
    assert len(text.toPlainText()) > len(selected)
    (mark,) = text.extraSelections()
    assert mark.cursor.selectedText() == marked
    assert text.textCursor().selectedText() == selected


def test_inspect_shows_the_run_at_the_token(
    dialog: CompareDialog, runs: Runs, finished_session: Session
) -> None:
    runs.show(runs.all[0])
    dialog.choose(22)
    dialog.inspect.click()
    assert runs.current is runs.all[1]
    assert finished_session.selection.token == 22


def test_other_runs_can_be_chosen_and_are_followed(
    dialog: CompareDialog, runs: Runs, bridge: FakeBridge
) -> None:
    runs.generate("Something else")
    third = runs.current
    bridge.start_run()
    choice = dialog.columns[0].choice
    assert choice.count() == 3
    choice.setCurrentIndex(2)
    assert shown(dialog) == [third, runs.all[1]]
    assert "no tokens yet" in dialog.columns[0].figures.text()
    bridge.decode(3)
    assert "perplexity" in dialog.columns[0].figures.text()
    assert dialog.columns[0].text.toPlainText().startswith("Something else")
    bridge.finish_run()
    assert third
    runs.remove(third)
    assert shown(dialog) == [None, runs.all[1]]
    assert choice.count() == 2


def test_a_single_run_asks_for_a_second_one(finished_session: Session, qtbot: QtBot) -> None:
    dialog = CompareDialog(finished_session)
    qtbot.addWidget(dialog)
    dialog.compare(None, None)
    assert shown(dialog) == [None, finished_session.runs.current]


def test_a_repeated_run_is_not_rewritten_for_every_token(
    dialog: CompareDialog, runs: Runs, bridge: FakeBridge
) -> None:
    first = runs.all[0]
    runs.show(first)
    runs.fork(20)
    bridge.start_run()
    dialog.compare(first, runs.current)
    written: list[int] = []
    dialog.columns[0].text.textChanged.connect(lambda: written.append(len(runs.all[-1].tokens)))
    bridge.decode(5, start=20)
    assert runs.current
    assert runs.current.common_length(first) == 25
    assert written == []
    assert "▶" not in dialog.columns[0].text.toPlainText()


def test_runs_that_differ_at_once_are_shown_from_the_start(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    runs = finished_session.runs
    first = runs.current
    assert first
    seed = next(seed for seed in range(1, 50) if _token(0, seed) != first.tokens[0].token_id)
    runs.fork(0)
    bridge.complete(50, seed=seed)
    made = CompareDialog(finished_session)
    qtbot.addWidget(made)
    made.resize(500, 320)
    made.show()
    made.compare(None, None)
    texts = [column.text for column in made.columns]
    assert any(text.verticalScrollBar().maximum() > 0 for text in texts)
    assert all(text.verticalScrollBar().value() == 0 for text in texts)
    assert made._said.full_text == "The runs differ from their first tokens on."


def test_a_right_click_chooses_the_token_and_copies_it(dialog: CompareDialog, runs: Runs) -> None:
    text = dialog.columns[1].text
    dialog.choose(22)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
    QApplication.sendEvent(text, event)
    (menu,) = (each for each in text.findChildren(QMenu) if each.isVisible())
    menu.actions()[0].trigger()
    assert QGuiApplication.clipboard().text() == runs.all[1].tokens[22].text
    menu.close()
    place = text.cursorForPosition(QPoint(0, 0))
    place.setPosition(text._map.token_range(24)[0])
    point = text.cursorRect(place).center() + QPoint(2, 0)
    mouse = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, QPoint())
    QApplication.sendEvent(text.viewport(), mouse)
    assert dialog._chosen == 24
    for each in text.findChildren(QMenu):
        each.close()


def test_shared_tokens_of_other_alphas_are_tinted_by_their_difference(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = finished_session.runs.current
    second = same_tokens(finished_session, bridge, (0.2, 0.1))
    assert first
    made = CompareDialog(finished_session)
    qtbot.addWidget(made)
    made.compare(first, second)
    made.show()
    assert "B gives the 60 shared tokens" in made.difference.text()
    mine, theirs = (
        np.array([token.attribution.logprob_tuned for token in run.tokens])
        for run in (first, second)
    )
    mean = (theirs - mine).mean() / math.log(2)
    way = "less" if mean < 0 else "more"
    assert f"{abs(mean):.2f} bits {way} than A" in made.difference.text()
    assert made.legend.isVisible()
    assert [text.strip() for text in made.legend.texts()][:2] == [
        f"less in B  −{FULL_SHIFT_BITS:g}",
        f"+{FULL_SHIFT_BITS:g} bits  more in B",
    ]
    made.tinted.click()
    assert not made.legend.isVisible()
    made.tinted.click()
    place = int(np.argmax(np.abs(theirs - mine)))
    colors = [_background(column.text, place) for column in made.columns]
    assert colors[0] is None  # A is muted
    assert colors[1] is not None
    made.compare(first, first)
    assert not made.difference.isVisible()


def test_the_scale_of_the_difference_is_chosen_and_tells_what_is_beyond_it(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first, display = finished_session.runs.current, finished_session.display
    second = same_tokens(finished_session, bridge, (0.2, 0.1))
    assert first
    made = CompareDialog(finished_session)
    qtbot.addWidget(made)
    made.compare(first, second)
    made.show()
    text, menu = made.columns[1].text, made.scale_menu
    nats = np.array(
        [
            theirs.attribution.logprob_tuned - mine.attribution.logprob_tuned
            for mine, theirs in zip(first.tokens, second.tokens, strict=True)
        ]
    )
    sizes = np.abs(nats) / math.log(2)
    automatic = next(each for each in menu.actions() if "95%" in each.text())
    automatic.trigger()
    limit = float(f"{np.quantile(sizes, 0.95):.2g}")
    beyond = {int(place) for place in np.flatnonzero(sizes > limit)}
    assert 0 < len(beyond) < 10
    assert made.legend.texts()[1].strip() == f"+{limit:g} bits  more in B"
    assert made.legend.texts()[-1] == "line above: beyond the scale"
    assert {place for place in range(60) if _overlined(text, place)} == beyond
    in_nats = next(each for each in menu.actions() if each.text() == "In nats")
    in_nats.trigger()
    display.set_difference_scale(replace(display.difference_scale, limit=1.5, automatic=False))
    beyond = {int(place) for place in np.flatnonzero(np.abs(nats) > 1.5)}
    assert {place for place in range(60) if _overlined(text, place)} == beyond
    assert made.legend.texts()[1].strip() == "+1.5 nats  more in B"
    display.set_difference_scale(TintScale(limit=1000.0))
    assert len(made.legend.texts()) == 3
    assert not any(_overlined(text, place) for place in range(60))
    made.tinted.click()
    assert not made.scale.isVisible()


def _overlined(text: RunText, index: int) -> bool:
    cursor = text._cursor_at(index)
    cursor.setPosition(cursor.selectionStart() + 1)
    return cursor.charFormat().fontOverline()


def test_tokens_that_are_aligned_again_are_tinted_and_marked_in_both(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = finished_session.runs.current
    second = same_tokens(finished_session, bridge, (0.2, 0.1))
    assert first
    del second.tokens[20:23]
    second.tokens[20] = replace(second.tokens[20], token_id=99, text=" other")
    second.tokens[20:] = [
        replace(token, index=place) for place, token in enumerate(second.tokens[20:], 20)
    ]
    made = CompareDialog(finished_session)
    qtbot.addWidget(made)
    made.compare(first, second)
    assert made.tinted.isChecked()
    assert "After they part, 36 of 37 tokens of B are aligned with A again; stretches: 1" in (
        made.difference.text()
    )
    text = made.columns[1].text
    words = [token.index for token in second.tokens[21:] if token.text.strip()]
    more = [
        second.tokens[at].attribution.logprob_tuned - first.tokens[at + 3].attribution.logprob_tuned
        for at in words
    ]
    place = words[int(np.argmax(np.abs(more)))]
    assert _background(text, place) is not None
    assert _background(text, 20) is None  # A does not have it
    text.token_chosen.emit(place)
    assert made.columns[0].text._chosen == place + 3
    assert f"token {place + 4} of A, token {place + 1} of B" in made._said.text()
    made.columns[0].text.token_chosen.emit(place + 3)
    assert made.columns[1].text._chosen == place
    made.tinted.click()
    assert _background(text, 20) is not None  # its shift


def test_tokens_with_another_argmax_are_gone_through(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = finished_session.runs.current
    assert first
    second = same_tokens(finished_session, bridge, (0.2, 0.1))
    changed = [
        place
        for place, (one, other) in enumerate(zip(first.tokens, second.tokens, strict=True))
        if one.attribution.argmax_tuned != other.attribution.argmax_tuned
    ]
    assert len(changed) > 2
    made = CompareDialog(finished_session)
    qtbot.addWidget(made)
    made.compare(first, second)
    for place in (*changed, changed[0]):
        made.next_change.click()
        assert [column.text._chosen for column in made.columns] == [place, place]
        argmaxes = (run.tokens[place].attribution.argmax_tuned for run in (first, second))
        words = [quoted(first.label(token_id)) for token_id in argmaxes]
        assert made._said.text().endswith(f"most probable: A {words[0]}, B {words[1]}")
    made._go_to_change(-1)
    assert made.columns[1].text._chosen == changed[-1]
    made.compare(first, first)
    assert not made.next_change.isEnabled()


def test_long_runs_are_aligned_in_the_background(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = finished_session.runs.current
    assert first
    second = same_tokens(finished_session, bridge, (0.2, 0.1))
    for run, shift in ((first, 0), (second, 3)):
        run.tokens[:] = [
            replace(run.tokens[at % 60], index=at, token_id=(at + shift) % 1000)
            for at in range(10_000)
        ]
    made = CompareDialog(finished_session)
    qtbot.addWidget(made)
    made.compare(first, second)
    assert not made.tinted.isVisibleTo(made)
    with qtbot.waitSignal(made._differences.changed):
        pass
    assert "of 10,000 tokens of B are aligned" in made.difference.text()


def same_tokens(session: Session, bridge: FakeBridge, alphas: tuple[float, float]) -> Run:
    """A run with the 60 tokens of the finished one, sampled with other alphas."""
    session.runs.generate("Once upon a time")
    bridge.start_run()
    steps, start = [], 0
    for index in range(60):
        steps.append(invent_step(index, (1.0, 0.4), start))
        start = steps[-1].end
    bridge.emit_steps([replace(step, alphas=alphas) for step in steps])
    bridge.finish_run(tokens=60)
    assert session.runs.current
    return session.runs.current


def test_another_run_a_tints_run_b_anew(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = finished_session.runs.current
    second, third = (
        same_tokens(finished_session, bridge, alphas) for alphas in ((0.2, 0.1), (3.0, -1.0))
    )
    made, fresh = CompareDialog(finished_session), CompareDialog(finished_session)
    for dialog in (made, fresh):
        qtbot.addWidget(dialog)
    made.compare(first, second)
    before = _looks(made.columns[1].text)
    made.compare(third, second)
    fresh.compare(third, second)
    assert _looks(made.columns[1].text) == _looks(fresh.columns[1].text) != before


def test_other_changed_tokens_are_underlined_anew(finished_session: Session, qtbot: QtBot) -> None:
    text, run = RunText("run"), finished_session.runs.current
    qtbot.addWidget(text)
    assert run
    words = [token.index for token in run.tokens if token.text.strip()]
    bits = np.full(60, 0.5)
    for index in words[:2]:
        shared = SharedTokens(bits, frozenset({index}), mean_with_interval(bits))
        text.show_run(run, 60, shared)
        underlined = [place for place, (_, line) in enumerate(_looks(text)) if line]
        assert underlined == [index]


def _looks(text: RunText) -> list[tuple[str | None, bool]]:
    """The colour behind each token, and whether it is underlined."""
    looks = []
    for index in range(60):
        cursor = text._cursor_at(index)
        cursor.setPosition(cursor.selectionStart() + 1)
        looks.append((_background(text, index), cursor.charFormat().fontUnderline()))
    return looks


def test_runs_without_a_finite_difference_are_compared_too(
    finished_session: Session, runs: Runs, qtbot: QtBot
) -> None:
    first, branch = runs.all
    for place, token in enumerate(branch.tokens):
        unknown = replace(token.attribution, logprob_tuned=-math.inf)
        branch.tokens[place] = replace(token, attribution=unknown)
    made = CompareDialog(finished_session)
    qtbot.addWidget(made)
    made.compare(first, branch)
    assert "20 shared tokens have no finite difference" in made.difference.text()


def _background(text: RunText, index: int) -> str | None:
    """The colour behind a token; None without one."""
    cursor = text._cursor_at(index)
    cursor.setPosition(cursor.selectionStart() + 1)
    brush = cursor.charFormat().background()
    return None if brush.style() is Qt.BrushStyle.NoBrush else brush.color().name()
