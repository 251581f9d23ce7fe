"""Tests of the View menu by its keys: the size of texts, hidden panels, the plot's own window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.attribution.plot_measure import PlotMeasure
from app.ui.main_window import MainWindow
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.recipe.recipe_column import RecipeColumn
from app.ui.state.session import Session
from app.ui.summary.summary_panel import SummaryPanel
from app.ui.text.prompt_editor import PromptEditor
from app.ui.widgets.detach_button import DetachButton

pytestmark = pytest.mark.slow

CONTROL = Qt.KeyboardModifier.ControlModifier


def open_window(session: Session, folder: Path, qtbot: QtBot) -> MainWindow:
    store = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    made = MainWindow(session, store)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    with qtbot.waitExposed(made):
        made.show()
    made.add_plot()
    made.activateWindow()
    QApplication.processEvents()
    return made


@pytest.fixture
def window(finished_session: Session, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    return open_window(finished_session, tmp_path, qtbot)


def sizes(window: MainWindow) -> list[float]:
    """The font sizes of prompt, text and message entry."""
    prompt = window.prompt.findChild(QPlainTextEdit)
    texts = (prompt, window.transcript.text, window.chat.entry)
    return [text.document().defaultFont().pointSizeF() for text in texts]


def test_texts_become_larger_and_smaller(window: MainWindow, qtbot: QtBot) -> None:
    usual = sizes(window)
    qtbot.keyClick(window, Qt.Key.Key_Equal, CONTROL)
    qtbot.keyClick(window, Qt.Key.Key_Plus, CONTROL)
    assert sizes(window) == pytest.approx([size * 1.21 for size in usual], rel=0.01)
    for _ in range(3):
        qtbot.keyClick(window, Qt.Key.Key_Minus, CONTROL)
    assert sizes(window) == pytest.approx([size / 1.1 for size in usual], rel=0.01)
    qtbot.keyClick(window, Qt.Key.Key_0, CONTROL)
    assert sizes(window) == usual


def test_the_size_has_limits(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(40):
        qtbot.keyClick(window, Qt.Key.Key_Minus, CONTROL)
    smallest = sizes(window)
    qtbot.keyClick(window, Qt.Key.Key_Plus, CONTROL)
    assert sizes(window)[0] > smallest[0] > 3


@pytest.mark.parametrize(
    ("key", "inside"),
    [
        (Qt.Key.Key_1, RecipeColumn),
        (Qt.Key.Key_2, ShiftPlot),
        (Qt.Key.Key_3, SummaryPanel),
    ],
)
def test_a_panel_is_hidden_and_comes_back(
    window: MainWindow, qtbot: QtBot, key: Qt.Key, inside: type[QWidget]
) -> None:
    panel = window.findChild(inside)
    assert panel is not None
    around = panel.parentWidget()
    assert around is not None
    qtbot.keyClick(window, key, CONTROL)
    assert not around.isVisible()
    assert window.transcript.isVisible()
    qtbot.keyClick(window, key, CONTROL)
    assert around.isVisible()


def test_the_plot_has_a_window_of_its_own_until_that_is_closed(
    window: MainWindow, qtbot: QtBot
) -> None:
    plot = window.findChild(ShiftPlot)
    assert plot is not None
    qtbot.keyClick(window, Qt.Key.Key_4, CONTROL)
    own = plot.window()
    assert own is not window
    assert plot.isVisible()
    token = window._session.selection.token
    qtbot.keyClick(own, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)  # keys work there too
    assert window._session.selection.token != token
    own.close()
    QApplication.processEvents()
    assert plot.window() is window
    assert plot.isVisible()


def test_a_button_at_the_plot_detaches_it_and_puts_it_back(
    window: MainWindow, qtbot: QtBot
) -> None:
    plot = window.findChild(ShiftPlot)
    assert plot is not None
    button = plot.findChild(DetachButton)
    assert button is not None
    assert button.isVisible()
    for text in ("Put back", "Detach", "Put back"):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert button.text() == text
        assert (plot.window() is window) == (text == "Detach")
    plot.window().close()
    assert button.text() == "Detach"
    window._session.runs.remove(window._session.runs.current)
    assert button.isVisible(), "the window of an empty plot can be placed as well"


def test_size_and_panels_are_there_again(
    window: MainWindow, finished_session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Plus, CONTROL)
    qtbot.keyClick(window, Qt.Key.Key_1, CONTROL)
    qtbot.keyClick(window, Qt.Key.Key_4, CONTROL)
    seen = sizes(window)
    window.close()
    for _ in range(3):
        finished_session.display.zoom(-1)
    again = open_window(finished_session, tmp_path, qtbot)
    assert sizes(again) == seen
    assert not again.findChild(RecipeColumn).isVisible()
    plots = [widget for widget in QApplication.allWidgets() if isinstance(widget, ShiftPlot)]
    assert any(plot.isVisible() and plot.window().parent() is again for plot in plots)
    again.close()


def test_the_prompt_grows_with_its_text_up_to_a_share_of_the_window(
    window: MainWindow, qtbot: QtBot
) -> None:
    prompt: PromptEditor = window.prompt
    field = prompt.findChild(QPlainTextEdit)
    prompt.set_text("one")
    short = field.height()
    for _ in range(6):
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.height() > short
    prompt.set_text("line\n" * 500)
    assert short < field.height() < window.height() / 3
    prompt.set_text("one")
    assert field.height() == short


def test_a_second_plot_makes_the_plot_higher_until_it_is_closed(window: MainWindow) -> None:
    display, rows = window._session.display, window._rows
    before = rows.sizes()
    display.set_plot_measures(PlotMeasure.PROBABILITY, PlotMeasure.ENTROPY)
    higher = rows.sizes()
    assert higher[1] > before[1] * 1.2
    assert sum(higher) == sum(before)
    display.set_plot_measures(PlotMeasure.KL, PlotMeasure.ENTROPY)
    assert rows.sizes() == higher
    display.set_plot_measures(PlotMeasure.KL)
    assert rows.sizes() == before
