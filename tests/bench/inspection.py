"""What inspecting a long run costs: ``python -m tests.bench.inspection`` prints JSON.

The whole window with everything shown, on a run of invented rows. Milliseconds: median and slowest,
and the processor's time, which other programs of a busy machine do not lengthen as much:

- ``open``: from showing the run until every view has been painted.
- ``select``: from selecting a token until every view has been painted.
- ``tint``: from choosing another tint, or grouping, until the text has been painted.
- ``scroll``: one step of the wheel in the text, with its painting.
- ``pan`` and ``pan_all``: one step of panning the plot, over 200 tokens and over all of them.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QApplication

from app.attribution.attribution import attribute
from app.attribution.measures import Measure
from app.attribution.plot_parts import ENTROPY, KL
from app.attribution.row_store import RowStore
from app.attribution.tint_scale import Tint
from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason
from app.engine.controls import LiveAlphas
from app.engine.events import TokenDecoded
from app.settings import Settings
from app.ui.main_window import MainWindow
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.starting import make_application
from app.ui.state.runs.run import Run
from app.ui.state.runs.token_groups import Grouping
from app.ui.state.session import Session
from app.ui.theme import LIGHT, palette, stylesheet
from tests.ui.conftest import WORDS, invent_step


class _NoEngine(QObject):
    events = Signal(list)

    def submit(self, command: object) -> None:
        """Nothing is asked of the models here."""


def invent_run(recipe: Recipe, id_: int, tokens: int) -> Run:
    """A finished run of ``tokens`` tokens, with the rows of all of them."""
    run = Run(id_, "Once upon a time", recipe, LiveAlphas(recipe.alphas), RowStore(), WORDS)
    offset = 0
    for index in range(tokens):
        step = invent_step(index, recipe.alphas, offset, id_)
        offset = step.end
        run.add(TokenDecoded(id_, step, attribute(step.logits, step.alphas, step.token_id)))
    run.finish_reason = FinishReason.LENGTH
    return run


def settle() -> None:
    """Let everything happen that waits, and with it the painting of what changed."""
    QApplication.processEvents()


def milliseconds(act: Callable[[int], object], repeats: int) -> dict[str, float]:
    """Call ``act`` with 0, 1, …; the first, uncounted time warms what is cached."""
    wall, processor = [], []
    for place in range(repeats + 1):
        started = time.perf_counter(), time.process_time()
        act(place)
        wall.append((time.perf_counter() - started[0]) * 1000)
        processor.append((time.process_time() - started[1]) * 1000)
    return {
        "median": round(statistics.median(wall[1:]), 2),
        "max": round(max(wall[1:]), 2),
        "median_of_processor_time": round(statistics.median(processor[1:]), 2),
    }


def measure(tokens: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Open the window and do what a person does."""
    application = make_application()
    application.setPalette(palette(LIGHT))
    application.setStyleSheet(stylesheet(LIGHT))
    recipe = find_recipe("demo")
    session = Session(_NoEngine(), recipe, Settings())  # type: ignore[arg-type]
    window = MainWindow(session, QSettings(str(folder / "w.ini"), QSettings.Format.IniFormat))
    window.resize(1280, 800)
    window.show()
    window.add_plot()
    plot = window.findChildren(ShiftPlot)[0]
    text = window.transcript.text
    for part in (KL, ENTROPY):
        session.display.show_part(part, True)
    runs = [invent_run(recipe, id_, tokens) for id_ in range(1, min(repeats, 4) + 2)]
    for run in runs:
        session.runs.add(run)
    settle()

    def open_run(place: int) -> None:
        session.runs.show(runs[place % len(runs)])
        settle()
        assert len(text.toPlainText()) > tokens

    def select(place: int) -> None:
        session.selection.select(place * 997 % tokens)
        settle()

    tints = [Tint(measure, 0) for measure in Measure]

    def choose_tint(place: int) -> None:
        session.display.set_tint(tints[place % len(tints)])
        settle()

    def choose_grouping(place: int) -> None:
        session.display.set_grouping(list(Grouping)[(place + 1) % len(Grouping)])
        settle()

    def scroll(place: int) -> None:
        text.verticalScrollBar().setValue(3 * place)
        settle()

    def pan(place: int) -> None:
        view = plot._view
        view.translateBy(x=2 if place % 100 < 50 else -2)
        settle()

    found = {
        "open": milliseconds(open_run, repeats),
        "select": milliseconds(select, repeats),
        "tint": milliseconds(choose_tint, repeats),
        "group": milliseconds(choose_grouping, repeats),
    }
    session.display.set_grouping(Grouping.TOKEN)
    session.display.set_tint(Tint())
    found["scroll"] = milliseconds(scroll, 10 * repeats)
    plot._view.setXRange(tokens / 2, tokens / 2 + 200, padding=0)
    found["pan"] = milliseconds(pan, 10 * repeats)
    plot._view.setXRange(0, tokens - 200, padding=0)
    found["pan_all"] = milliseconds(pan, 10 * repeats)
    window.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--tokens", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.tokens, options.repeats, Path(folder))
    report = {
        "machine": {"processor": platform.machine(), "system": platform.platform()},
        "tokens": options.tokens,
        "milliseconds": found,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
