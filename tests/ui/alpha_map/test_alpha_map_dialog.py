"""Tests of the map of α: its numbers, the marker, and runs that grow or were opened."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete, isValid

from app.attribution.alpha_grid import alpha_axis
from app.attribution.attribution import attribute
from app.checkpoints.spec import Recipe
from app.decoding.types import RoleLogits
from app.engine.commands import AskWhatIf, Generate
from app.engine.events import RunStarted, TokenDecoded
from app.settings import Settings
from app.ui.alpha_map.alpha_map_dialog import AlphaMapDialog
from app.ui.alpha_map.alpha_map_opener import show_alpha_map
from app.ui.alpha_map.alpha_map_words import AlphaMapWords
from app.ui.alpha_map.grid_values import GridMeasure, GridValues
from app.ui.alpha_map.heat_colors import shades
from app.ui.alpha_map.heat_legend import HeatLegend
from app.ui.inspector.alpha_curve_view import AlphaCurveView
from app.ui.inspector.inspector import Inspector
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import current_theme
from app.ui.what_if.what_if_bar import WhatIfBar
from app.wording import decimals, quoted
from tests.ui.conftest import WORDS, FakeBridge, invent_step
from tests.ui.recording import open_run

AXIS = alpha_axis()
Left = Qt.MouseButton.LeftButton
NoModifier = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def what_if(finished_session: Session, qtbot: QtBot) -> WhatIfBar:
    made = WhatIfBar(finished_session)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def dialog(finished_session: Session, what_if: WhatIfBar, qtbot: QtBot) -> AlphaMapDialog:
    made = show_alpha_map(finished_session, what_if, what_if)
    with qtbot.waitExposed(made):
        made.show()
    return computed(made, qtbot)


def computed(dialog: AlphaMapDialog, qtbot: QtBot) -> AlphaMapDialog:
    """The dialog, once all tokens are computed."""
    computation = dialog.computation
    qtbot.waitUntil(lambda: 0 < computation.total == computation.done)
    return dialog


def shown_texts(view: QWidget) -> str:
    return "\n".join(label.text() for label in view.findChildren(QLabel) if label.isVisible())


def choose_pair(dialog: AlphaMapDialog, pair: int | None, qtbot: QtBot) -> None:
    dialog.pair.setCurrentIndex(0 if pair is None else pair + 1)
    computed(dialog, qtbot)


def row_at(logits: RoleLogits, alphas: list[float]) -> np.ndarray:
    """The probabilities of the tuned distribution in float64."""
    row = logits.base.astype(np.float64)
    for alpha, expert, anti in zip(alphas, logits.experts, logits.antiexperts, strict=True):
        row = row + alpha * (expert.astype(np.float64) - anti)
    weights = np.exp(row - row.max())
    return np.asarray(weights / weights.sum())


def check_values(
    values: GridValues, run: Run, pair: int | None, places: Sequence[int] = range(0, len(AXIS), 5)
) -> None:
    """Compare the values at these indices of the axis with softmax in float64."""
    for token in run.tokens:
        logits = invent_step(token.index, token.alphas, 0).kept_logits
        used = row_at(logits, list(token.alphas)).argmax()
        for place in places:
            alpha = float(AXIS[place])
            alphas = [
                own * alpha if pair is None else alpha if at == pair else own
                for at, own in enumerate(token.alphas)
            ]
            p = row_at(logits, alphas)
            cell = values.cell(token.index, place)
            assert cell
            assert cell.probability == pytest.approx(p[token.token_id], abs=1e-4)
            assert cell.entropy == pytest.approx(-(p * np.log2(p)).sum(), abs=1e-3)
            assert cell.argmax == p.argmax()
            assert cell.changed == (p.argmax() != used)


def place_of(dialog: AlphaMapDialog, index: int, alpha: float) -> QPoint:
    """Position of a cell in the viewport of the map."""
    map_ = dialog.map
    return map_._plot.mapFromScene(map_._view.mapViewToScene(QPointF(index, alpha)))


def click(dialog: AlphaMapDialog, qtbot: QtBot, index: int, alpha: float) -> None:
    viewport = dialog.map._plot.viewport()
    qtbot.mouseClick(viewport, Left, NoModifier, place_of(dialog, index, alpha))


# Numbers


@pytest.mark.slow
@pytest.mark.parametrize("pair", [None, 0, 1])
def test_cells_are_those_of_the_rows_in_float64(
    dialog: AlphaMapDialog, finished_session: Session, qtbot: QtBot, pair: int | None
) -> None:
    assert finished_session.runs.current
    choose_pair(dialog, pair, qtbot)
    check_values(dialog.computation.values, finished_session.runs.current, pair)
    assert dialog.state.text() == ""


@pytest.mark.slow
def test_tokens_without_rows_are_estimated_and_said_to_be(
    finished_session: Session, what_if: WhatIfBar, qtbot: QtBot
) -> None:
    runs = finished_session.runs
    runs.budget.set_bound(runs.budget.held_bytes // 2)
    dialog = computed(show_alpha_map(finished_session, what_if, what_if), qtbot)
    assert "30 tokens are estimated" in dialog.state.text()
    finished_session.selection.select(2)
    assert dialog.readout.text().endswith("; estimated")
    finished_session.selection.select(59)
    assert "estimated" not in dialog.readout.text()
    assert runs.current
    values = dialog.computation.values
    check_values(values, runs.current, None, [values.nearest(1.0)])  # where estimates are exact


@pytest.mark.slow
def test_tokens_that_come_are_added(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    bar = WhatIfBar(loaded_session)
    qtbot.addWidget(bar)
    dialog = show_alpha_map(loaded_session, bar, bar)
    assert dialog.state.text() == "Press Generate first."
    loaded_session.runs.generate("Once upon a time")
    bridge.start_run()
    bridge.decode(20)
    computed(dialog, qtbot)
    assert dialog.computation.values.count == 20
    bridge.decode(300, start=20)
    computed(dialog, qtbot)
    bridge.finish_run(tokens=320)
    assert loaded_session.runs.current
    check_values(dialog.computation.values, loaded_session.runs.current, None)


@pytest.mark.slow
def test_a_run_of_the_history_is_read_in_the_background(
    kept: Session, bridge: FakeBridge, recipe: Recipe, qtbot: QtBot, tmp_path: Path
) -> None:
    kept.runs.generate("Twice")
    bridge.complete(30)
    run, writer = kept.runs.current, kept.history._writer
    assert run
    assert writer
    assert writer.flush(60)
    later = Session(FakeBridge(), recipe, Settings())  # type: ignore[arg-type]
    later.history.open(tmp_path / "history.sqlite3")
    try:
        qtbot.waitUntil(lambda: later.history.is_open)
        open_run(later, kept.history.id_of(run))
        opened = later.runs.current
        assert opened
        assert opened.rows.at_hand(3) is None, "it has to be read"
        bar = WhatIfBar(later)
        qtbot.addWidget(bar)
        dialog = computed(show_alpha_map(later, bar, bar), qtbot)
        values = dialog.computation.values
        check_values(values, opened, None, [values.nearest(1.0)])
        assert values.estimated == 30
    finally:
        later.history.close()
        assert later.history.join(60)


def test_a_run_of_one_role_has_no_map(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    bar = WhatIfBar(loaded_session)
    qtbot.addWidget(bar)
    runs = loaded_session.runs.generate_all_roles("Once")
    alone = next(each for each in bridge.commands if isinstance(each, Generate))
    step = invent_step(0, (), 0)
    explained = attribute(step.kept_logits, (), step.token_id)
    bridge.events.emit([RunStarted(alone.id, (5,)), TokenDecoded(alone.id, step, explained)])
    loaded_session.runs.show(runs[0])
    dialog = show_alpha_map(loaded_session, bar, bar)
    assert "One role generated this run alone" in dialog.state.text()
    assert dialog.computation.total == 0


# Files


@pytest.mark.slow
def test_the_table_has_a_row_for_each_cell(
    dialog: AlphaMapDialog, finished_session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    choose_pair(dialog, 0, qtbot)
    run = finished_session.runs.current
    assert run
    path = tmp_path / "map.csv"
    with qtbot.waitSignal(finished_session.saved.changed):
        dialog.files.save("csv", path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60 * len(AXIS)
    row = rows[7 * len(AXIS) + 40]
    assert (row["index"], row["alpha"]) == ("7", "3.0")
    assert row["text"] == run.tokens[7].text
    p = row_at(invent_step(7, (1.0, 0.4), 0).kept_logits, [3.0, 0.4])
    assert float(row["probability"]) == pytest.approx(p[run.tokens[7].token_id], abs=1e-4)
    assert row["argmax_text"] == WORDS[int(p.argmax())]
    assert row["estimated"] == "False"


@pytest.mark.slow
def test_the_table_is_offered_when_all_of_the_map_is_computed(
    finished_session: Session, what_if: WhatIfBar, qtbot: QtBot
) -> None:
    dialog = show_alpha_map(finished_session, what_if, what_if)
    assert dialog.computation.done < dialog.computation.total
    (table,) = (each for each in dialog.files.actions() if "CSV" in each.text())
    assert not table.isEnabled()
    assert table.toolTip() == "Available when the map is computed."
    computed(dialog, qtbot)
    assert table.isEnabled()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_pictures_have_the_map_and_its_legend(
    dialog: AlphaMapDialog, finished_session: Session, qtbot: QtBot, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"map.{kind}"
    with qtbot.waitSignal(finished_session.saved.changed):
        dialog.files.save(kind, path)
    image = QImage(str(path))
    assert image.width() > 500
    places = ((x, y) for x in range(image.width()) for y in range(0, image.height(), 5))
    colors = {image.pixelColor(*place).rgb() for place in places}
    assert len(colors) > 40, "it has the colours of the cells"


# The marker


@pytest.mark.slow
def test_a_click_selects_the_token_and_offers_its_alpha(
    dialog: AlphaMapDialog,
    finished_session: Session,
    what_if: WhatIfBar,
    bridge: FakeBridge,
    qtbot: QtBot,
) -> None:
    choose_pair(dialog, 1, qtbot)
    click(dialog, qtbot, 31, 2.5)
    assert finished_session.selection.token == 31
    assert dialog.what_if.text() == "What if α were 2.5 …"
    cell = dialog.computation.values.cell(31, dialog.computation.values.nearest(2.5))
    assert cell
    assert dialog.readout.text().startswith("Token 32 ")
    assert f"entropy {decimals(cell.entropy, 2)} bits" in dialog.readout.text()
    assert WORDS[cell.argmax].strip() in dialog.readout.text()
    qtbot.mouseClick(dialog.what_if, Left)
    assert what_if.isVisible()
    assert what_if.alphas == (1.0, 2.5)
    qtbot.waitUntil(lambda: any(isinstance(each, AskWhatIf) for each in bridge.commands))
    question = bridge.last(AskWhatIf)
    assert isinstance(question, AskWhatIf)
    assert question.alphas == (1.0, 2.5)


@pytest.mark.slow
def test_all_pairs_are_scaled_together(
    dialog: AlphaMapDialog, what_if: WhatIfBar, qtbot: QtBot
) -> None:
    click(dialog, qtbot, 5, 2.0)
    assert dialog.what_if.text() == "What if all α were × 2.0 …"
    qtbot.mouseClick(dialog.what_if, Left)
    assert what_if.alphas == pytest.approx((2.0, 0.8))


def generate_with(session: Session, bridge: FakeBridge, alphas: list[tuple[float, float]]) -> None:
    """Generate a run whose tokens have these alphas, and select a token of it."""
    session.runs.generate("Once upon a time")
    bridge.start_run()
    bridge.emit_steps([invent_step(index, each, 0) for index, each in enumerate(alphas)])
    bridge.finish_run(tokens=len(alphas))
    session.selection.select(1)


@pytest.mark.slow
def test_a_column_with_other_alphas_at_each_token_is_no_question(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    generate_with(loaded_session, bridge, [(0.5, 0.4), (1.0, 0.4), (0.5, 0.4)])
    bar = WhatIfBar(loaded_session)
    qtbot.addWidget(bar)
    dialog = computed(show_alpha_map(loaded_session, bar, bar), qtbot)
    asked: list[tuple[float, ...]] = []
    dialog.what_if_wanted.connect(asked.append)
    for pair in (None, 1):  # the α of the first pair is another at each token
        choose_pair(dialog, pair, qtbot)
        assert not dialog.what_if.isEnabled()
        assert "differ from token to token" in dialog.what_if.toolTip()
        qtbot.keyClick(dialog.map._plot, Qt.Key.Key_Return)
        assert asked == []
    choose_pair(dialog, 0, qtbot)
    assert dialog.what_if.isEnabled()
    assert dialog.what_if.toolTip() == ""
    qtbot.keyClick(dialog.map._plot, Qt.Key.Key_Return)
    assert asked == [pytest.approx((1.0, 0.4))]


@pytest.mark.slow
def test_a_run_with_a_policy_of_alpha_has_no_question(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    sampling = replace(loaded_session.recipe.sampling, alpha_policy="kl:0.5")
    loaded_session.set_sampling(sampling)
    generate_with(loaded_session, bridge, [(1.0, 0.4)] * 3)
    bar = WhatIfBar(loaded_session)
    qtbot.addWidget(bar)
    dialog = computed(show_alpha_map(loaded_session, bar, bar), qtbot)
    assert not dialog.what_if.isEnabled()
    assert "policy of α" in dialog.what_if.toolTip()


@pytest.mark.slow
def test_keys_move_the_marker(
    dialog: AlphaMapDialog, finished_session: Session, what_if: WhatIfBar, qtbot: QtBot
) -> None:
    selection, map_ = finished_session.selection, dialog.map
    selection.select(7)
    assert AXIS[map_.place or 0] == pytest.approx(1.0), "it begins at the α of the run"
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_PageUp):
        qtbot.keyClick(map_._plot, key)
    assert selection.token == 9
    assert AXIS[map_.place or 0] == pytest.approx(2.1)
    qtbot.keyClick(map_._plot, Qt.Key.Key_Down)
    assert AXIS[map_.place or 0] == pytest.approx(2.0)
    for _ in range(9):
        qtbot.keyClick(map_._plot, Qt.Key.Key_PageDown)
    assert map_.place == 0
    qtbot.keyClick(map_._plot, Qt.Key.Key_End)
    assert selection.token == 59
    qtbot.keyClick(map_._plot, Qt.Key.Key_Return)
    assert what_if.alphas == pytest.approx((-1.0, -0.4))


@pytest.mark.slow
def test_clicks_and_keys_move_the_marker_of_the_curve_as_well(
    dialog: AlphaMapDialog, finished_session: Session, qtbot: QtBot
) -> None:
    inspector = Inspector(finished_session)
    qtbot.addWidget(inspector)
    with qtbot.waitExposed(inspector):
        inspector.show()
    tried: list[tuple[int, float]] = []
    finished_session.selection.alpha_tried.connect(lambda *which: tried.append(which))
    choose_pair(dialog, 1, qtbot)
    click(dialog, qtbot, 31, 2.5)
    curve = inspector.findChild(AlphaCurveView)
    assert curve._marker.value() == pytest.approx(2.5)
    assert curve._pair.currentText() == "Arithmetic"
    assert "Arithmetic 2.50 instead of 0.4" in shown_texts(inspector)
    qtbot.keyClick(dialog.map._plot, Qt.Key.Key_Right)
    qtbot.keyClick(dialog.map._plot, Qt.Key.Key_Down)
    assert finished_session.selection.token == 32
    assert curve._marker.value() == pytest.approx(2.4)
    finished_session.selection.select(3)
    assert curve._marker.value() == pytest.approx(0.4), "that of the run, where no cell was chosen"
    before = len(tried)
    choose_pair(dialog, None, qtbot)
    click(dialog, qtbot, 12, 1.5)
    assert len(tried) == before, "a curve has one pair, not a factor of all"


@pytest.mark.slow
def test_keys_alone_reach_a_cell_and_say_its_values(
    dialog: AlphaMapDialog, finished_session: Session, qtbot: QtBot
) -> None:
    dialog.activateWindow()
    qtbot.keyClick(dialog.map._plot, Qt.Key.Key_Home)
    qtbot.keyClick(dialog.map._plot, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.map._plot, Qt.Key.Key_Right)
    assert finished_session.selection.token == 1
    assert dialog.map.place is not None
    told = dialog._describe_cell(1, dialog.map.place)
    assert dialog.readout.text() == told
    assert dialog.map._plot.accessibleDescription() == told


@pytest.mark.slow
def test_the_axis_has_the_texts_of_wide_tokens(
    dialog: AlphaMapDialog, finished_session: Session, qtbot: QtBot
) -> None:
    axis, run = dialog.map.token_axis, finished_session.runs.current
    assert run is not None
    assert not axis.shows_texts, "all sixty tokens are shown"
    dialog.map._view.setXRange(9.5, 19.5, padding=0)
    dialog.grab()
    assert axis.shows_texts
    texts = [text for _, text in axis.texts_shown()]
    assert quoted(run.tokens[12].text) in texts


@pytest.mark.slow
def test_the_tool_tip_has_token_alpha_and_value(
    dialog: AlphaMapDialog, finished_session: Session
) -> None:
    cell = dialog.computation.values.cell(10, 0)
    assert cell
    text = dialog._describe_cell(10, 0)
    assert text.startswith("Token 11 “")
    assert "factor of all α = −1.00: probability " in text


# Measures and colours


@pytest.mark.slow
def test_the_legend_has_the_range_of_the_measure(dialog: AlphaMapDialog) -> None:
    values = dialog.computation.values
    assert dialog.legend.accessibleName() == "Colours from 0 to 1"
    dialog.measure.setCurrentIndex(dialog.measure.findData(GridMeasure.ENTROPY))
    highest = float(values.of(GridMeasure.ENTROPY).max())
    assert dialog.legend.accessibleName() == f"Colours from 0 to {highest:.1f} bits"
    dialog.measure.setCurrentIndex(dialog.measure.findData(GridMeasure.CHANGED))
    assert dialog.legend.accessibleName() == "Colours from same to another"


def test_the_bar_of_the_legend_has_the_colours_of_the_cells(qtbot: QtBot) -> None:
    legend = HeatLegend()
    qtbot.addWidget(legend)
    legend.show_range(GridMeasure.ENTROPY, "0", "3.2 bits", "")
    legend.resize(legend.sizeHint())
    image = legend.grab().toImage()
    row = [image.pixelColor(x, image.height() // 2) for x in range(image.width())]
    found = [(color.blue(), color.green(), color.red()) for color in row]
    colors = shades(GridMeasure.ENTROPY, current_theme())[:, :3]
    bar = [tuple(colors[x * 255 // 119].tolist()) for x in range(1, 119)]  # without its frame
    assert any(found[at : at + len(bar)] == bar for at in range(len(found) - len(bar)))


def test_the_map_is_painted_before_it_is_computed(
    finished_session: Session, what_if: WhatIfBar, qtbot: QtBot
) -> None:
    made = show_alpha_map(finished_session, what_if, what_if)
    computation = made.computation
    assert computation._job is None
    assert computation._painting.isActive()
    computation.stop()
    assert not computation._painting.isActive()
    choose_pair(made, 1, qtbot)
    assert computation.done == computation.total


def test_the_timer_of_the_computation_ends_with_the_window(
    finished_session: Session, what_if: WhatIfBar
) -> None:
    made = show_alpha_map(finished_session, what_if, what_if)
    timer = made.computation._painting
    assert timer.isActive()
    made.hide()
    assert not timer.isActive()
    delete(made)
    assert not isValid(timer)


def test_the_marker_is_described_once_when_the_map_is_opened(
    finished_session: Session, what_if: WhatIfBar, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    refusal = AlphaMapWords.question_refusal

    def count(words: AlphaMapWords, run: Run, pair: int | None) -> str:
        asked.append(pair)
        return refusal(words, run, pair)

    monkeypatch.setattr(AlphaMapWords, "question_refusal", count)
    finished_session.selection.select(3)
    made = show_alpha_map(finished_session, what_if, what_if)
    assert asked == [None]
    assert "Token 4" in made.readout.text()
    made.close()


@pytest.mark.slow
def test_another_run_begins_another_map(
    dialog: AlphaMapDialog, finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    finished_session.runs.generate("Twice upon a time")
    bridge.complete(12, seed=5)
    computed(dialog, qtbot)
    assert dialog.computation.values.count == 12
    first = invent_step(0, (1.0, 0.4), 0, 5)
    cell = dialog.computation.values.cell(0, dialog.computation.values.nearest(1.0))
    assert cell
    assert cell.probability == pytest.approx(first.sampled_probability, abs=1e-4)
