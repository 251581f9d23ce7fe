"""Tests of tints, groups, ranges and marks of the transcript by mouse and keyboard."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html import escape

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QAction, QColor, QGuiApplication, QTextCursor
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.attribution.attribution import attribute
from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import Measure, Unit
from app.attribution.tint_scale import Tint, TintScale
from app.decoding.types import WhatIfToken
from app.engine.controls import LiveAlphas
from app.ui.state.runs.run import Run
from app.ui.state.runs.token_groups import Grouping
from app.ui.state.session import Session
from app.ui.text.legend import TintLegend, scale_ends
from app.ui.text.tint import Scale, scale_of
from app.ui.text.tint_menus import GroupingMenu, MenuButton, TintMenu
from app.ui.text.tint_scale_menu import TintScaleMenu
from app.ui.text.transcript import TranscriptView
from app.ui.text.transcript_edit import TranscriptText
from app.ui.text.transcript_marks import selection_marks
from app.ui.theme import DARK, LIGHT, Theme
from app.wording import signed
from tests.attribution.test_measure_formulas import FORMULAS
from tests.ui.conftest import WORDS, FakeBridge, invent_step
from tests.ui.text.test_transcript import background_of, middle_of, shown, write

Left = Qt.MouseButton.LeftButton
NoModifier = Qt.KeyboardModifier.NoModifier
Shift = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def view(finished_session: Session, qtbot: QtBot) -> TranscriptView:
    return shown(TranscriptView(finished_session), qtbot)


@pytest.fixture
def text(view: TranscriptView) -> TranscriptText:
    return view.text


@pytest.fixture
def run(finished_session: Session) -> Run:
    assert finished_session.runs.current is not None
    return finished_session.runs.current


def legend(view: TranscriptView) -> TintLegend:
    found = view.findChild(TintLegend)
    assert isinstance(found, TintLegend)
    return found


def actions(menu: QMenu) -> dict[str, QAction]:
    return {action.text(): action for action in menu.actions()}


# Tints


def numbers(token: ExplainedToken) -> dict[Tint, float]:
    """Expected value of every tint for a token, from its probabilities."""
    a, bit = token.attribution, math.log(2)
    return {
        Tint(Measure.SHIFT): math.log2(a.p_tuned / a.p_base),
        Tint(Measure.CONTRIBUTION, 0): a.contributions[0],
        Tint(Measure.CONTRIBUTION, 1): a.contributions[1],
        Tint(Measure.SURPRISAL): -math.log2(a.p_tuned),
        Tint(Measure.BASE_SURPRISAL): -math.log2(a.p_base),
        Tint(Measure.KL): a.kl / bit,
        Tint(Measure.ENTROPY): a.entropy_tuned / bit,
        Tint(Measure.RANK): a.rank_base,
        Tint(Measure.TUNED_RANK): a.rank_tuned,
        Tint(Measure.PROBABILITY): a.p_tuned,
        Tint(Measure.BASE_PROBABILITY): a.p_base,
        Tint(Measure.BASE_ENTROPY): a.entropy_base / bit,
    }


def test_every_tint_colours_by_its_measure(
    text: TranscriptText, run: Run, finished_session: Session
) -> None:
    for tint in numbers(run.tokens[0]):
        finished_session.display.set_tint(tint)
        scale = scale_of(tint, Grouping.TOKEN, LIGHT)
        for token in run.tokens[:20:3]:
            wanted = QColor(scale.color(numbers(token)[tint]))
            found = QColor(background_of(text, token.index))
            # rounding may select the next of the 64 colour steps
            assert max(abs(a - b) for a, b in zip(wanted.getRgb(), found.getRgb(), strict=True)) < 6


def test_hover_has_contributions_in_the_unit_of_their_tint(
    view: TranscriptView, finished_session: Session
) -> None:
    run, display = finished_session.runs.current, finished_session.display
    explained = run.tokens[7].attribution
    display.set_tint(Tint(Measure.CONTRIBUTION, 1))
    assert f"Shakespeare {signed(explained.contributions[0])}" in view.text.tool_tip(7)
    display.set_tint_scale(Measure.CONTRIBUTION, TintScale(Unit.NATS))
    in_logs = f"Shakespeare {explained.logprob_contributions[0]:+.2f} nats".replace("-", "−")
    assert in_logs in view.text.tool_tip(7)


@pytest.mark.parametrize(
    ("tint", "words"),
    [
        (Tint(Measure.SHIFT), ["Shift:", "bits", "×|÷"]),
        (Tint(Measure.CONTRIBUTION, 1), ["Contribution of Arithmetic:", "probability"]),
        (Tint(Measure.SURPRISAL), ["Tuned surprisal:", "bits"]),
        (Tint(Measure.BASE_SURPRISAL), ["Base surprisal:", "bits"]),
        (Tint(Measure.KL), ["KL(tuned‖base):", "bits"]),
        (Tint(Measure.ENTROPY), ["Tuned entropy:", "bits"]),
        (Tint(Measure.RANK), ["Rank under the base:", "top 10|top 100"]),
        (Tint(Measure.PROBABILITY), ["Tuned probability:", "0|1"]),
    ],
)
def test_hover_and_legend_name_the_number_and_its_unit(
    view: TranscriptView, finished_session: Session, tint: Tint, words: list[str]
) -> None:
    finished_session.display.set_tint(tint)
    tip = view.text.tool_tip(7)
    for word in words:
        assert any(each in tip for each in word.split("|")), (word, tip)
    said = legend(view).accessibleDescription()
    assert said
    assert "Underlined" in said
    if Unit.BITS in tint.measure.units and tint.measure is not Measure.CONTRIBUTION:
        assert "bit" in said


def test_menu_and_button_choose_the_tint(view: TranscriptView, finished_session: Session) -> None:
    parent = QWidget()
    menu = TintMenu(finished_session, parent, keys=True)
    found = actions(menu)
    assert list(found)[6:8] == ["Contribution of Shakespeare", "Contribution of Arithmetic"]
    assert found["Shift"].isChecked()
    found["Contribution of Arithmetic"].trigger()
    assert finished_session.display.tint == Tint(Measure.CONTRIBUTION, 1)
    button = view.findChildren(MenuButton)[0]
    assert "Contribution of Arithmetic" in button.text()
    assert "Contribution of Arithmetic" in button.accessibleName()
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    checked = [text for text, action in actions(button.menu()).items() if action.isChecked()]
    assert checked == ["Contribution of Arithmetic"]
    keys = [action.shortcut().toString() for action in found.values()]
    assert keys == [f"Alt+{place}" for place in range(1, 10)] + [""] * 4 + ["Alt+0", ""]
    assert not any(a.shortcut().toString() for a in actions(button.menu()).values())


def test_legend_button_and_menu_have_the_formula_of_the_unit(
    view: TranscriptView, finished_session: Session
) -> None:
    display, button = finished_session.display, view.findChildren(MenuButton)[0]
    for (measure, unit), (written, _) in FORMULAS.items():
        display.set_tint(Tint(measure))
        display.set_tint_scale(measure, TintScale(unit))
        checked = [a.toolTip() for a in actions(button.menu()).values() if a.isChecked()]
        assert checked == [button.toolTip()]
        explained = button.toolTip()
        assert explained in legend(view).accessibleDescription()
        assert written in explained, (measure, unit)
        assert not re.search("log|ln |p\\(", explained.replace(written, ""))


@pytest.mark.parametrize("pairs", [1, 2, 6, 7])
def test_the_contribution_of_every_pair_is_chosen_by_menu_and_keys(
    loaded_session: Session, qtbot: QtBot, pairs: int
) -> None:
    names = [f"pair & {place}" for place in range(pairs)]
    first = loaded_session.recipe.pairs[0]
    recipe = replace(
        loaded_session.recipe, pairs=tuple(replace(first, name=name) for name in names)
    )
    session, runs = loaded_session, loaded_session.runs
    alphas = tuple(0.3 + place / 5 for place in range(pairs))
    run = Run(runs.new_id(), "Once", recipe, LiveAlphas(alphas))
    for step in (invent_step(index, alphas, 0) for index in range(6)):
        explained = attribute(step.logits, alphas, step.token_id)
        run.tokens.append(ExplainedToken.of(step, explained))
    runs.add(run)
    view = shown(TranscriptView(session), qtbot)
    menu = TintMenu(session, view, keys=True)
    view.addActions(menu.actions())
    found = actions(menu)

    def coloured() -> list[float]:
        assert view.text.tints is not None
        return [view.text.tints.value(token) for token in range(6)]

    def shares(pair: int) -> list[float]:
        return [token.attribution.contributions[pair] for token in run.tokens]

    for pair, name in enumerate(names):
        action = found[f"Contribution of {name.replace('&', '&&')}"]
        action.trigger()
        assert action.isChecked()
        assert coloured() == pytest.approx(shares(pair))
        assert f"Contribution of {escape(name)}:" in view.text.tool_tip(2)
    about = legend(view).accessibleDescription()
    assert ("Approximate" in about) == (pairs > 6), "the values of more pairs are sampled"
    session.display.set_tint(Tint(Measure.KL))
    assert "Approximate" not in legend(view).accessibleDescription()
    view.activateWindow()
    view.text.setFocus()
    for pair in (*range(pairs), 0):
        qtbot.keyClick(view.text, Qt.Key.Key_0, Qt.KeyboardModifier.AltModifier)
        assert session.display.tint == Tint(Measure.CONTRIBUTION, pair)
        assert coloured() == pytest.approx(shares(pair))
    for pair in range(min(pairs, 3)):
        key = Qt.Key(Qt.Key.Key_7 + pair)
        qtbot.keyClick(view.text, key, Qt.KeyboardModifier.AltModifier)
        assert session.display.tint == Tint(Measure.CONTRIBUTION, pair)


def test_the_scale_of_a_tint_is_chosen_in_its_menu(
    view: TranscriptView, finished_session: Session, run: Run
) -> None:
    display = finished_session.display
    menu = view.findChildren(MenuButton)[0].menu()
    scale_menu = menu.findChild(TintScaleMenu)
    assert isinstance(scale_menu, TintScaleMenu)
    found = actions(scale_menu)
    found["In nats"].trigger()
    assert display.tint_scales == {Measure.SHIFT: TintScale(Unit.NATS)}
    shift = run.tokens[7].attribution.shift
    assert f"{shift:+.2f} nats".replace("-", "−") in view.text.tool_tip(7)
    assert "nats" in legend(view).accessibleDescription()
    found["In probability"].trigger()
    explained = run.tokens[7].attribution
    assert f"{signed(explained.p_tuned - explained.p_base)} in probability" in view.text.tool_tip(7)
    display.set_tint(Tint(Measure.KL))
    scale_menu.show_choice()
    assert not found["In probability"].isEnabled()
    assert found["In bits"].isChecked(), "each measure has its own scale"
    found["Automatic: 95% of the tokens within the scale"].trigger()
    limit = float(f"{np.quantile([t.attribution.kl / math.log(2) for t in run.tokens], 0.95):.2g}")
    scale = scale_of(Tint(Measure.KL), Grouping.TOKEN, LIGHT, TintScale(limit=limit))
    for token in run.tokens[:20:3]:
        wanted = scale.color(token.attribution.kl / math.log(2))
        back = QColor(background_of(view.text, token.index))
        assert max(abs(a - b) for a, b in zip(wanted.getRgb(), back.getRgb(), strict=True)) < 6


def test_tokens_beyond_the_scale_have_a_bar_that_the_legend_explains(
    view: TranscriptView, finished_session: Session, run: Run
) -> None:
    display = finished_session.display
    display.set_tint(Tint(Measure.KL))
    bits = [token.attribution.kl / math.log(2) for token in run.tokens]
    display.set_tint_scale(Measure.KL, TintScale(limit=max(bits)))
    assert "Bar above" not in legend(view).accessibleDescription()
    limit = sorted(bits)[len(bits) // 2]
    display.set_tint_scale(Measure.KL, TintScale(limit=limit))
    assert "Bar above" in legend(view).accessibleDescription()
    painter = view.text._painter
    assert painter is not None
    drawn = painter.decorations(QRectF(view.text.viewport().rect()), set())
    bars = [bar for _, line in drawn for bar in line.saturated]
    beyond = [token for token in run.tokens if bits[token.index] > limit]
    assert 0 < len(beyond) < len(run.tokens)
    assert 0 < len(bars) <= 2 * len(beyond), "one for each line that a token is on"
    assert {color.name() for _, color in bars} == {LIGHT.heat}


def test_the_answer_of_one_role_has_no_tints_of_pairs(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    view = shown(TranscriptView(loaded_session), qtbot)
    runs = loaded_session.runs
    run = Run(runs.new_id(), "Once", loaded_session.recipe, LiveAlphas(()), role=1)
    for step in (invent_step(index, (), 0) for index in range(8)):
        explained = attribute(step.logits, (), step.token_id)
        run.tokens.append(ExplainedToken.of(step, explained))
    runs.add(run)
    scale = scale_of(Tint(Measure.SURPRISAL), Grouping.TOKEN, LIGHT)
    surprisal = -math.log2(run.tokens[0].attribution.p_tuned)
    assert background_of(view.text, 0) == scale.color(surprisal).name()
    tip = view.text.tool_tip(0)
    assert "Surprisal:" in tip
    assert "base" not in tip
    about = legend(view).accessibleDescription()
    assert "Underlined" not in about
    button = view.findChildren(MenuButton)[0]
    menu_actions = actions(button.menu())
    assert about.startswith("−log₂ p of the generated token.")
    assert button.toolTip() == menu_actions["Tuned surprisal"].toolTip()
    assert button.toolTip() == "−log₂ p of the generated token."
    menu = actions(TintMenu(loaded_session, view))
    assert menu["Tuned surprisal"].isChecked()
    assert not menu["Shift"].isEnabled()
    assert not menu["Contribution of the &next pair"].isEnabled()
    loaded_session.display.set_grouping(Grouping.LINE)
    assert "Surprisal, sum of" in view.text.tool_tip(0)


# Groups


def test_click_on_a_word_selects_its_range_and_first_token(
    text: TranscriptText, finished_session: Session, qtbot: QtBot
) -> None:
    write(finished_session, ["\n", "un", "believ", "able", " art"])
    actions(GroupingMenu(finished_session, text))["by word"].trigger()
    qtbot.mouseClick(text.viewport(), Left, NoModifier, middle_of(text, 62))
    assert finished_session.selection.range == (61, 64)
    assert finished_session.selection.token == 61
    finished_session.display.set_grouping(Grouping.TOKEN)
    qtbot.mouseClick(text.viewport(), Left, NoModifier, middle_of(text, 62))
    assert finished_session.selection.range is None
    assert finished_session.selection.token == 62


def test_a_group_has_one_colour_and_one_value(
    view: TranscriptView, run: Run, finished_session: Session
) -> None:
    text = view.text
    finished_session.display.set_grouping(Grouping.LINE)
    assert text.tints is not None
    first, end = text.tints.range_of(0)
    assert end - first > 3
    shift = sum(math.log2(t.attribution.p_tuned / t.attribution.p_base) for t in run.tokens[:end])
    assert text.tints.value(2) == pytest.approx(shift, abs=1e-4)
    colors = {background_of(text, index) for index in range(min(end, 8))}
    assert colors == {scale_of(Tint(), Grouping.LINE, LIGHT).color(shift).name()}
    tip = text.tool_tip(1)
    assert f"sum of {end} tokens" in tip
    assert f"{end} tokens" in tip
    assert "mean KL" in tip
    assert "sum" in legend(view).accessibleDescription()
    finished_session.display.set_tint(Tint(Measure.ENTROPY))
    assert f"mean of {end} tokens" in text.tool_tip(1)
    finished_session.display.set_tint(Tint(Measure.RANK))
    worst = max(token.attribution.rank_base for token in run.tokens[:end])
    assert text.tints.value(0) == worst
    assert f"highest of {end} tokens: {worst}" in text.tool_tip(1)


def test_new_tokens_change_the_value_of_the_last_group(
    text: TranscriptText, finished_session: Session
) -> None:
    write(finished_session, ["\n", "don"])
    finished_session.display.set_grouping(Grouping.WORD)
    assert text.tints is not None
    before = text.tints.value(61)
    write(finished_session, ["'", "t"])
    assert text.tints.range_of(61) == (61, 64)
    assert text.tints.value(61) == pytest.approx(3 * before)


# Ranges


def test_dragging_selects_the_tokens_that_it_touches(
    text: TranscriptText, run: Run, finished_session: Session, qtbot: QtBot
) -> None:
    start, end = middle_of(text, 2) - QPoint(1, 0), middle_of(text, 6) + QPoint(6, 0)
    qtbot.mousePress(text.viewport(), Left, NoModifier, start)
    qtbot.mouseMove(text.viewport(), (start + end) / 2)
    qtbot.mouseMove(text.viewport(), end)
    qtbot.mouseRelease(text.viewport(), Left, NoModifier, end)
    assert finished_session.selection.range == (2, 7)
    assert "tokens 3–7" in text.accessibleDescription()
    exact = text.createMimeDataFromSelection().text()
    assert exact in run.text
    qtbot.keyClick(text, Qt.Key.Key_Escape)
    assert finished_session.selection.range is None
    assert not text.textCursor().hasSelection()


def test_selecting_all_is_the_range_of_all_tokens(
    text: TranscriptText, finished_session: Session
) -> None:
    text.selectAll()
    assert finished_session.selection.range == (0, 60)


def test_text_of_the_prompt_selects_no_range(
    text: TranscriptText, finished_session: Session
) -> None:
    finished_session.selection.select_range((3, 5))
    cursor = text.textCursor()
    cursor.setPosition(0)
    cursor.setPosition(4, QTextCursor.MoveMode.KeepAnchor)
    text.setTextCursor(cursor)
    assert finished_session.selection.range is None
    assert text.createMimeDataFromSelection().text() == "Once"


def test_keys_with_shift_extend_the_range_from_the_selected_token(
    text: TranscriptText, finished_session: Session, qtbot: QtBot
) -> None:
    finished_session.selection.select(20)
    seen = []
    for key in ("Right", "Left", "Left", "End", "Home"):
        qtbot.keyClick(text, getattr(Qt.Key, f"Key_{key}"), Shift)
        seen.append(finished_session.selection.range)
    assert seen == [(20, 22), (20, 21), (19, 21), (20, 60), (0, 21)]
    qtbot.keyClick(text, Qt.Key.Key_Escape)
    finished_session.selection.select(20)
    qtbot.keyClick(text, Qt.Key.Key_Down, Shift)
    chosen = finished_session.selection.range
    assert chosen is not None
    assert chosen[0] == 20
    assert chosen[1] > 22


def test_a_range_selected_elsewhere_is_shaded_described_and_copied(
    text: TranscriptText, run: Run, finished_session: Session, qtbot: QtBot
) -> None:
    plain = background_of(text, 5)
    finished_session.selection.select_range((4, 9))
    assert background_of(text, 5) != plain
    (mark,) = text.extraSelections()
    assert mark.cursor.selectionStart() == text.places.token_range(4)[0]
    assert mark.cursor.selectionEnd() == text.places.token_range(8)[1]
    assert "tokens 5–9" in text.accessibleDescription()
    assert "Shakespeare" in text.accessibleDescription()
    qtbot.keyClick(text, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    expected = "".join(token.text for token in run.tokens[4:9])
    assert QGuiApplication.clipboard().text() == expected


def test_selecting_a_token_keeps_selected_text(
    text: TranscriptText, finished_session: Session
) -> None:
    write(finished_session, ["line\n"] * 100)
    text.selectAll()
    finished_session.selection.select(2)
    assert text.textCursor().hasSelection()
    assert text.viewport().rect().contains(middle_of(text, 2))


# Marks


def pixels(text: TranscriptText, color: str) -> int:
    image = text.viewport().grab().toImage()
    places = [(x, y) for x in range(image.width()) for y in range(image.height())]
    return sum(image.pixelColor(x, y).name() == color for x, y in places)


@pytest.mark.slow
def test_what_if_answers_are_marked_and_described(
    view: TranscriptView, run: Run, finished_session: Session, bridge: FakeBridge
) -> None:
    text = view.text
    before = pixels(text, LIGHT.accent)
    finished_session.runs.ask_what_if((0.5, 1.0))
    bridge.answer_what_if(WhatIfToken(3, 1), WhatIfToken(5, 5))
    assert pixels(text, LIGHT.accent) > before
    assert f"At α 0.5, 1: “{WORDS[1]}”" in text.tool_tip(3)
    assert "At α" not in text.tool_tip(4)
    assert "Dotted" in legend(view).accessibleDescription()
    finished_session.display.set_grouping(Grouping.LINE)
    assert "2" in next(line for line in text.tool_tip(3).split("<br>") if "α" in line)
    finished_session.runs.questions.clear()
    assert pixels(text, LIGHT.accent) == before
    assert "Dotted" not in legend(view).accessibleDescription()


@pytest.mark.slow
def test_given_tokens_are_marked_except_in_scored_runs(
    view: TranscriptView, run: Run, finished_session: Session
) -> None:
    def show_again() -> None:
        finished_session.runs.show(None)
        finished_session.runs.show(run)

    text = view.text
    before = pixels(text, LIGHT.muted)
    run.tokens[4] = replace(run.tokens[4], forced=True)
    show_again()
    assert "Given, not sampled." in text.tool_tip(4)
    assert pixels(text, LIGHT.muted) > before
    assert "Corner" in legend(view).accessibleDescription()
    run.scored = True
    show_again()
    assert pixels(text, LIGHT.muted) == before
    assert "Corner" not in legend(view).accessibleDescription()


# Cache of lines


@pytest.mark.slow
@pytest.mark.parametrize("grouping", Grouping)
def test_appended_tokens_look_like_a_full_repaint(
    session: Session, bridge: FakeBridge, qtbot: QtBot, grouping: Grouping
) -> None:
    view = shown(TranscriptView(session), qtbot)
    view.resize(300, 700)
    session.display.set_grouping(grouping)
    session.runs.generate("Once upon a time")
    bridge.start_run()
    for start in range(0, 120, 3):
        bridge.decode(3, start=start)
        view.text.viewport().grab()  # fills the cache
    other = shown(TranscriptView(session), qtbot)
    other.resize(view.size())
    other.text.verticalScrollBar().setValue(view.text.verticalScrollBar().value())
    assert view.text.viewport().grab().toImage() == other.text.viewport().grab().toImage()


# Runs


def test_tokens_that_arrive_with_the_end_of_a_run_are_shown(
    text: TranscriptText, run: Run, finished_session: Session
) -> None:
    run.tokens.append(replace(run.tokens[0], index=60, text=" last"))
    finished_session.runs.run_changed.emit()
    assert text.toPlainText().endswith(" last")


def test_mixed_hebrew_and_english_is_tinted_completely(
    text: TranscriptText, finished_session: Session
) -> None:
    write(finished_session, ["\n", "abc", " שלום", " xyz"])
    assert text.tints is not None
    # The area of the word must not have the colour of the surface.
    tinted = text.tints.color(62).name()
    image = text.viewport().grab().toImage()
    cursor = QTextCursor(text.document())
    cursor.setPosition(text.places.token_range(63)[0])
    right = text.cursorRect(cursor)
    cursor.setPosition(text.places.token_range(61)[1])
    left = text.cursorRect(cursor)
    row = [image.pixelColor(x, left.top() + 1).name() for x in range(left.left(), right.left())]
    assert row.count(tinted) > 0.9 * len(row) > 0


@pytest.mark.parametrize("limit", ["0.0031", "4", "12.5"])
def test_the_legend_has_the_limits_of_the_scale_at_its_ends(limit: str) -> None:
    ends = scale_ends(Scale(Tint(Measure.SHIFT), float(limit), LIGHT))
    assert ends == (f"−{limit}", f"+{limit}")
    assert scale_ends(Scale(Tint(Measure.KL), float(limit), LIGHT)) == ("0", limit)


@pytest.mark.parametrize("measure", [Measure.SHIFT, Measure.RANK])
@pytest.mark.parametrize("grouping", [Grouping.TOKEN, Grouping.SENTENCE])
def test_a_narrow_legend_drops_the_reduction_before_the_underline(
    view: TranscriptView, finished_session: Session, measure: Measure, grouping: Grouping
) -> None:
    finished_session.display.set_tint(Tint(measure))
    finished_session.display.set_grouping(grouping)
    shown_legend = legend(view)
    every, short = shown_legend._parts(), shown_legend._parts(short=True)
    needed = round(sum(part.width for part in short if part.rank <= 1)) + 1
    for width in (needed, round(sum(part.width for part in every)) + 1):
        shown_legend.resize(width, shown_legend.height())
        ranks = [part.rank for part in shown_legend._fitting()]
        assert 0 in ranks
        assert 1 in ranks
    assert len(ranks) == len(every)


@pytest.mark.parametrize("measure", [Measure.SHIFT, Measure.SURPRISAL, Measure.RANK])
def test_a_narrow_transcript_keeps_its_colour_scale(
    view: TranscriptView, finished_session: Session, measure: Measure
) -> None:
    finished_session.display.set_tint(Tint(measure))
    shown_legend = legend(view)
    tops = set()
    for width in (620, 230, 900, 260):
        view.resize(width, 300)
        QApplication.processEvents()
        assert 0 in [part.rank for part in shown_legend._fitting()], width
        assert shown_legend.mapTo(view, shown_legend.rect().bottomRight()).x() <= view.width()
        tops.add(shown_legend.y() > 4)
    assert tops == {True, False}, "beside the menus, and below them"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("chosen", [None, (2, 6)], ids=["alone", "in a range"])
def test_the_selected_token_can_be_read(
    theme: Theme, chosen: tuple[int, int] | None, finished_session: Session, qtbot: QtBot
) -> None:
    """Also under selected text, which is drawn in the usual colour of text."""
    view = TranscriptText(finished_session)
    qtbot.addWidget(view)
    finished_session.selection.select(3)
    finished_session.selection.select_range(chosen)
    marks = selection_marks(view.document(), view.places, finished_session.selection, theme)
    look = marks[-1].format
    colors = [look.foreground().color()]
    colors += [QColor(theme.text)] if chosen else []
    for color in colors:
        assert contrast(color, look.background().color()) >= 4.5


def contrast(one: QColor, other: QColor) -> float:
    """Contrast ratio of WCAG 2."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(color: QColor) -> float:
    parts = (color.redF(), color.greenF(), color.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
