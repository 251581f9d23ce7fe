"""What long runs of large vocabularies cost the window: ``python -m tests.bench.long_runs``.

Prints JSON. Two runs of invented rows are stored in a history, opened in a whole window, and
everything is done with them that a person can do with a run. As in the program, each token has its
candidates, and only the last tokens of the first run have their full rows. Of each action:

- ``slot``: the longest time for which the window's thread did not come to a timer of 1 ms;
- ``processor``: the longest processor time of that thread between two ticks of the timer;
- ``whole``: the time until the action was complete and painted. All are milliseconds.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QObject, QSettings, Qt, QTimer, Signal
from PySide6.QtWidgets import QLineEdit

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows, keep_candidates
from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.tint_scale import Tint, TintScale
from app.attribution.token_query import Criterion
from app.decoding.types import TokenStep
from app.history.database import Database
from app.history.database_writer import DatabaseWriter
from app.history.records import Ending, RunModels
from app.history.write_queue import Item, RunDescribed, RunEnded, TokenAdded
from app.settings import Settings
from app.ui.alpha_map.alpha_map_dialog import AlphaMapDialog
from app.ui.compare.compare_dialog import CompareDialog, show_comparison
from app.ui.garbage_timer import GarbageCollector
from app.ui.history.exporting import export
from app.ui.inspector.candidates_view import CandidatesView
from app.ui.main_window import MainWindow
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.starting import make_application
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.query_fields import BY_PAIR, PATTERN, WORDS
from app.ui.theme import LIGHT, palette, stylesheet
from tests.history.invented import in_force, new_run, step

_KINDS = 40
"""Tokens with rows of their own; all others repeat theirs."""

_PATIENCE_S = 120
_QUIET_S = 0.15
"""An action is complete when nothing has computed for so long."""


class _NoEngine(QObject):
    events = Signal(list)

    def submit(self, command: object) -> None:
        """Nothing is asked of the models here."""


@dataclass(frozen=True)
class _Kind:
    step: TokenStep
    attribution: TokenAttribution
    candidates: CandidateRows

    def at(self, index: int, start: int, text: str) -> TokenStep:
        return replace(self.step, index=index, start=start, text=text)


def invent_kinds(pairs: int, vocabulary: int, seed: int) -> list[_Kind]:
    """Tokens with full rows, and what is computed from these."""
    alphas = tuple(0.3 + 0.2 * pair for pair in range(pairs))
    kinds = []
    for index in range(_KINDS):
        made, explained = step(index, alphas, seed=seed, vocabulary=vocabulary)
        kinds.append(_Kind(made, explained, keep_candidates(made.logits, alphas, made.token_id)))
    return kinds


def write_history(path: Path, kinds: Sequence[Sequence[_Kind]], tokens: int) -> list[str]:
    """Store a run of each list of kinds; they part in the middle. Returns their ids."""
    pairs = len(kinds[0][0].step.alphas)
    labels = tuple(f"w{number}" for number in range(len(kinds[0][0].step.logits.base)))
    ids = []
    with closing(DatabaseWriter(Database(path), path)) as writer:
        for place, each in enumerate(kinds):
            run = new_run(pairs=pairs)
            models = RunModels(in_force(run).roles, (5,) * (1 + 2 * pairs), labels)
            items: list[Item] = [run, RunDescribed(run.id, models)]
            for index, (made, kind) in enumerate(_steps(each, tokens, place)):
                token = ExplainedToken.of(made, kind.attribution)
                items.append(TokenAdded(run.id, token, kind.candidates))
                if index % 500 == 0:
                    writer.write(items)
                    items = []
            writer.write([*items, RunEnded(run.id, Ending("length"))])
            ids.append(run.id)
    return ids


def _steps(kinds: Sequence[_Kind], tokens: int, place: int) -> Iterator[tuple[TokenStep, _Kind]]:
    start = 0
    for index in range(tokens):
        kind = kinds[(index * (1 + place * (index > tokens // 2))) % len(kinds)]
        made = kind.at(index, start, kind.step.text if index % 9 else f" token{index}\n")
        start = made.end
        yield made, kind


class Watch:
    """Runs the event loop while an action is carried out, and measures the window's thread."""

    def __init__(self) -> None:
        self._loop = QEventLoop()
        self._beat = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._beat.timeout.connect(self._on_beat)

    def measure(
        self, act: Callable[[], object], done: Callable[[], bool] = lambda: True
    ) -> dict[str, float]:
        """Carry out ``act`` in the event loop, and wait until ``done`` and until all is quiet."""
        self._done = done
        self._begun = self._last = self._busy = time.perf_counter()
        self._used = time.thread_time()
        self._slot = self._processor = 0.0
        QTimer.singleShot(0, act)
        self._beat.start()
        self._loop.exec()
        self._beat.stop()
        figures = (self._slot, self._processor, self._busy - self._begun)
        names = ("slot", "processor", "whole")
        return {name: round(1000 * value, 1) for name, value in zip(names, figures, strict=True)}

    def _on_beat(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self._slot = max(self._slot, now - self._last)
        spent = used - self._used
        self._processor = max(self._processor, spent)
        self._last, self._used = now, used
        if spent > 0.002 or not self._done():
            self._busy = now
        if now - self._busy > _QUIET_S:
            self._loop.quit()
        if now - self._begun > _PATIENCE_S:
            raise TimeoutError("an action does not end")


class Bench:
    """A window with two stored runs, and the actions that are measured."""

    def __init__(self, folder: Path, pairs: int, tokens: int, vocabulary: int) -> None:
        self._folder = folder
        self._tokens = tokens
        self._vocabulary = vocabulary
        kinds = [invent_kinds(pairs, vocabulary, seed) for seed in (1, 1)]
        self._kinds = kinds[0]
        path = folder / "history.sqlite"
        self._ids = write_history(path, kinds, tokens)
        self._watch = Watch()
        self.session = Session(_NoEngine(), new_run(pairs=pairs).recipe, Settings())  # type: ignore[arg-type]
        store = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow(self.session, store)
        self._garbage = GarbageCollector(self.window)
        self.window.resize(1280, 800)
        self.window.show()
        self.window.add_plot()
        self.session.history.open(path)
        self._watch.measure(lambda: None, lambda: self.session.history.is_open)
        self.found: dict[str, dict[str, float]] = {}

    def close(self) -> None:
        self._garbage.stop()
        self.window.close()
        self.session.history.close()
        self.session.history.join(60)

    def _measure(
        self, name: str, act: Callable[[], object], done: Callable[[], bool] = lambda: True
    ) -> None:
        self.found[name] = self._watch.measure(act, done)

    def _repeat(self, name: str, acts: Sequence[Callable[[], object]]) -> None:
        """The slowest of several actions of one kind, after one that warms what is cached."""
        self._watch.measure(acts[-1])
        each = [self._watch.measure(act) for act in acts]
        self.found[name] = {key: max(one[key] for one in each) for key in each[0]}

    def run(self, only: Sequence[str] = ()) -> None:
        """Measure everything, or only some parts."""
        history, runs = self.session.history, self.session.runs
        for name, run_id in zip(("open", "open another"), self._ids, strict=True):
            count = len(runs.all)
            self._measure(
                name,
                lambda run_id=run_id: history.show(run_id),  # type: ignore[misc]
                lambda count=count: len(runs.all) > count,  # type: ignore[misc]
            )
        first, second = runs.all
        self._keep_rows(first)
        self._repeat("switch run", [lambda: runs.show(second), lambda: runs.show(first)])
        parts = {
            "text": self._text,
            "tokens": lambda: self._tokens_of(first),
            "plots": self._plots,
            "map": self._map,
            "compare": lambda: self._compare(first, second),
            "exports": self._exports,
        }
        for part in only or parts:
            parts[part]()

    def _keep_rows(self, run: Run) -> None:
        """Keep the full rows of the last tokens, as many as the program keeps."""
        steps = list(_steps(self._kinds, self._tokens, 0))
        size = steps[0][0].kept_logits.nbytes
        kept = min(self.session.settings.row_bytes // size - 1, self._tokens)
        run.rows.forget(self._tokens - kept)
        for made, _ in steps[self._tokens - kept :]:
            run.rows.add(made)

    def _text(self) -> None:
        display, text = self.session.display, self.window.transcript.text
        self._repeat(
            "tint",
            [lambda m=m: display.set_tint(Tint(m)) for m in Measure],  # type: ignore[misc]
        )
        display.set_tint(Tint())
        scales = [TintScale(Unit.NATS), TintScale(limit=0.5), TintScale(automatic=True)]
        self._repeat(
            "scale of the tint",
            [lambda s=s: display.set_tint_scale(Measure.SHIFT, s) for s in scales],  # type: ignore[misc]
        )
        bar = text.verticalScrollBar()
        places = [bar.maximum() * part // 12 for part in range(12)]
        self._repeat("scroll", [lambda at=at: bar.setValue(at) for at in places])  # type: ignore[misc]

    def _tokens_of(self, run: Run) -> None:
        find, selection = self.window.find_bar, self.session.selection
        pair = run.pair_names[0]
        queries = {
            "text": (WORDS, "token1"),
            "regular expression": (PATTERN, r"token\d*7\b"),
            "id": (Criterion.ID, str(run.tokens[5].token_id)),
            "class": (Criterion.CLASS, ""),
            "rank": (Criterion.RANK, "1"),
            "shift": (Criterion.RAISED, "0.1"),
            "flip": (Criterion.FLIP, ""),
            "pair": (BY_PAIR, pair),
        }
        for name, (kind, text) in queries.items():
            self._watch.measure(lambda: find.find_tokens(Criterion.ID, "1"))
            self._measure(f"find: {name}", lambda k=kind, t=text: find.find_tokens(k, t))  # type: ignore[misc]
            self._repeat(f"next, previous: {name}", [lambda: find.step(1), lambda: find.step(-1)])
        find.leave()
        places = [self._tokens * part // 9 for part in range(9)]
        selected = [lambda at=at: selection.select(at) for at in places]  # type: ignore[misc]
        self._repeat("select a token", selected)
        selection.select(self._tokens - 2)
        field = self.window.findChildren(CandidatesView)[0].findChildren(QLineEdit)[0]
        words = [f"w{self._vocabulary - 9 - at}" for at in range(3)]
        self._repeat("look up a token", [lambda w=w: field.setText(w) for w in words])  # type: ignore[misc]
        field.clear()
        marks = selection.bookmarks
        self._repeat("bookmark", [lambda at=at: marks.toggle(at) for at in places])  # type: ignore[misc]

    def _plots(self) -> None:
        display, plot = self.session.display, self.window.findChildren(ShiftPlot)[0]
        first, second = PlotMeasure.PROBABILITY, PlotMeasure.KL
        self._repeat(
            "second plot on, off",
            [
                lambda: display.set_plot_measures(first, second),
                lambda: display.set_plot_measures(first),
            ],
        )
        measures = [lambda m=m: display.set_plot_measures(m) for m in PlotMeasure]  # type: ignore[misc]
        self._repeat("measure of the plot", measures)
        display.set_plot_measures(first)
        view = plot.pane.tokens
        for name, width in (("pan the plot", 200), ("pan all of the plot", self._tokens)):
            view.setXRange(0, width, padding=0)
            self._repeat(name, [lambda: view.translateBy(x=2), lambda: view.translateBy(x=-2)])

    def _map(self) -> None:
        self._measure(
            "map of α",
            self.window._inspect_menu._map.trigger,
            lambda: (
                bool(maps := self.window.findChildren(AlphaMapDialog))
                and maps[0].computation.done >= self._tokens
            ),
        )
        dialog = self.window.findChildren(AlphaMapDialog)[0]
        measures = range(dialog.measure.count())
        self._repeat(
            "measure of the map",
            [lambda at=at: dialog.measure.setCurrentIndex(at) for at in measures],  # type: ignore[misc]
        )
        self._repeat(
            "select a token with the map open",
            [lambda at=at: self.session.selection.select(at) for at in (10, 99)],  # type: ignore[misc]
        )
        dialog.close()

    def _exports(self) -> None:
        for name in ("csv", "parquet", "html", "json"):
            path = self._folder / f"run.{name}"
            self._measure(
                f"export: {name}",
                lambda n=name, p=path: export(self.session, self._ids[:1], n, p),  # type: ignore[misc]
                lambda p=path: self.session.saved.last == p,  # type: ignore[misc]
            )

    def _compare(self, first: Run, second: Run) -> None:
        self._measure(
            "compare",
            lambda: show_comparison(self.session, self.window, first, second),
            lambda: bool(self.window.findChildren(CompareDialog)),
        )
        dialog = self.window.findChildren(CompareDialog)[0]
        places = (3, self._tokens // 2, self._tokens - 5)
        self._repeat(
            "compare: select",
            [lambda at=at: dialog.choose(at) for at in places],  # type: ignore[misc]
        )
        dialog.close()


def measure(
    pairs: int, tokens: int, vocabulary: int, only: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Milliseconds of everything for a run with ``pairs`` pairs."""
    application = make_application()
    application.setPalette(palette(LIGHT))
    application.setStyleSheet(stylesheet(LIGHT))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), pairs, tokens, vocabulary)
        bench.run(only)
        bench.close()
    return bench.found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--vocabulary", type=int, default=151_936)
    parser.add_argument("--only", nargs="*", default=(), help="parts such as text and map")
    options = parser.parse_args()
    report: dict[str, Any] = {
        "machine": {"processor": platform.machine(), "system": platform.platform()},
        "pairs": options.pairs,
        "tokens": options.tokens,
        "vocabulary": options.vocabulary,
        "milliseconds": measure(options.pairs, options.tokens, options.vocabulary, options.only),
    }
    print(json.dumps(report, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
