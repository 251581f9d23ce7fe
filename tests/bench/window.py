"""What the window costs: ``python -m tests.bench.window`` prints JSON.

- Seconds from the start of the process to the first paint, in fresh processes.
- Tokens per second of a run without a window, in one, and in one whose runs are recorded in the
  history, in turn; and, since a busy machine has no steady rate, the processor time of each thread
  for a token.
  ``--same-drafts`` drafts alike in all of them, so that nothing but the window differs.
- Lateness of a 5 ms timer in the UI thread while the window generates.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.waiting_threads import let_waiting_threads_sleep

if TYPE_CHECKING:  # the first paint is measured in processes that have imported none of these
    from PySide6.QtCore import SignalInstance

    from app.checkpoints.spec import Recipe
    from app.engine.events import RunStats

HEARTBEAT_MS = 5
_LEAST_SHOWN_MS = 0.005
_PAINTING_MS = 200
_SETTLING_MS = 400  # twice as long as tokens wait for a batch
_SETTLED_SECONDS = 0.001
_DRAFTS = 4
_PATIENCE = 60  # seconds, for one process to paint
_PAINTED = """
import os, sys, time
started = float(sys.argv[1])
from app.cli.window import open_window
from app.ui.main_window import MainWindow
make = MainWindow.__init__
def timed(self, *args):
    make(self, *args)
    def painted():
        print(time.time() - started, "torch" in sys.modules, flush=True)
        os._exit(0)
    self.painted.connect(painted)
MainWindow.__init__ = timed
open_window("demo")
"""


def first_paint(repeats: int) -> dict[str, Any]:
    """Seconds to the first paint of fresh processes; the first, uncounted one warms the disk."""
    seconds, torch_imported = [], False
    with tempfile.TemporaryDirectory() as home:
        kinds = ("CONFIG", "STATE", "DATA", "CACHE")
        folders = {f"XDG_{kind}_HOME": home for kind in kinds}
        for _ in range(repeats + 1):
            printed = subprocess.run(
                [sys.executable, "-c", _PAINTED, str(time.time())],
                capture_output=True,
                text=True,
                check=True,
                timeout=_PATIENCE,
                env=os.environ | folders,
            ).stdout
            value, imported = printed.split()
            seconds.append(float(value))
            torch_imported |= imported == "True"
    return {
        "median_s": round(statistics.median(seconds[1:]), 3),
        "max_s": round(max(seconds[1:]), 3),
        "torch_imported_before": torch_imported,
    }


class _DemoWindow:
    """A window with the demo loaded, in which runs are generated.

    Args:
        recipe: The demo with the sampling settings of the runs.
        folder: A folder of its own for preferences and history.
        recorded: Whether the history records the runs.
    """

    def __init__(self, recipe: Recipe, folder: Path, *, recorded: bool) -> None:
        from PySide6.QtCore import QSettings

        from app.settings import Settings
        from app.ui.bridge import Bridge
        from app.ui.main_window import MainWindow
        from app.ui.state.session import LoadState, Session

        folder.mkdir()
        self._bridge = Bridge()
        self.session = session = Session(self._bridge, recipe, Settings())
        settings = QSettings(str(folder / "w.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow(session, settings)
        self.window.resize(1280, 800)
        self.window.show()
        self.window.add_plot()
        if recorded:
            session.history.open(folder / "history.sqlite")
        self._bridge.start()
        session.load()
        _wait_until(session.load_changed, lambda: session.load_state is LoadState.LOADED)
        self.window.hide()

    def generate(self, seed: int) -> RunStats:
        """Generate a run; its speed and its drafts."""
        session = self.session
        # The recipe of the demo has a new seed for each run.
        session.runs.generate(session.recipe.sample_prompt, seed=seed)
        _wait_until(session.runs.run_changed, lambda: not session.runs.running)
        run = session.runs.current
        assert run is not None
        assert run.stats is not None
        return run.stats

    def show(self) -> None:
        """Show the window and let it paint: people see it before they press Generate."""
        from PySide6.QtTest import QTest

        self.window.show()
        QTest.qWaitForWindowExposed(self.window)
        QTest.qWait(_PAINTING_MS)

    def close(self) -> None:
        self.window.close()
        for thread in (self._bridge, self.session.history):
            thread.close()
            thread.join()


def _wait_until(changed: SignalInstance, reached: Callable[[], bool]) -> None:
    from PySide6.QtCore import QEventLoop

    loop = QEventLoop()  # exec() lets go of Python's lock; QTest.qWait does not
    connection = changed.connect(lambda: reached() and loop.quit())
    if not reached():
        loop.exec()
    changed.disconnect(connection)


def _processor_seconds() -> Counter[str]:
    """Processor time of each of the program's threads so far, and of all others together."""
    spent: Counter[str] = Counter()
    for thread in threading.enumerate():
        if thread.ident is not None:
            name = "main" if thread is threading.main_thread() else thread.name
            clock = time.pthread_getcpuclockid(thread.ident)
            spent[name] += time.clock_gettime(clock)
    spent["of torch and Qt"] = time.process_time() - spent.total()
    return spent


def _wait_for_history() -> None:
    """Wait until no history finds candidates any more, which it does when a run has ended.

    Otherwise it would do so beside the next run, which is another way.
    """
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    while True:
        before = _processor_seconds()["history"]
        QTimer.singleShot(_SETTLING_MS, loop.quit)
        loop.exec()
        if _processor_seconds()["history"] - before < _SETTLED_SECONDS:
            return


def _plan_drafts_alike() -> None:
    """Draft four tokens with the first expert, whatever the measured times.

    Otherwise the drafts of two runs of one text differ, and with them the speed by a tenth.
    """
    from app.decoding.draft_plan import Plan, Planner

    def plan(_: Planner, match_length: int, max_drafts: int) -> Plan:
        return Plan(1, min(_DRAFTS, max_drafts), 1.0) if max_drafts > 0 else Plan(None, 0, 0.0)

    def should_extend(_: Planner, plan: Plan, drafted: int, reach: float) -> bool:
        return drafted < plan.length

    setattr(Planner, "plan", plan)  # noqa: B010 — mypy knows no other way
    setattr(Planner, "should_extend", should_extend)  # noqa: B010


def window_against_headless(repeats: int, tokens: int, folder: Path) -> dict[str, Any]:
    """Run the demo without a window, in one, and in one whose runs are recorded, in turn."""
    from app.checkpoints.recipes.recipe_file import find_recipe
    from app.engine.commands import Generate, Load
    from app.engine.controls import Cancellation, LiveAlphas
    from app.engine.engine import Engine
    from app.engine.events import Event, RunFinished
    from app.ui.garbage_timer import GarbageCollector
    from app.ui.starting import make_application
    from app.ui.theme import LIGHT, palette, stylesheet

    recipe = find_recipe("demo")
    recipe = replace(
        recipe, sampling=replace(recipe.sampling, max_new_tokens=tokens, temperature=1.0, top_p=1.0)
    )
    events: list[Event] = []
    engine = Engine(events.append)
    engine.handle(Load(1, recipe, Cancellation()))

    application = make_application()
    application.setPalette(palette(LIGHT))
    application.setStyleSheet(stylesheet(LIGHT))
    garbage = GarbageCollector(application)
    plain = _DemoWindow(recipe, folder / "plain", recorded=False)
    recorded = _DemoWindow(recipe, folder / "recorded", recorded=True)

    def headless(seed: int) -> RunStats:
        events.clear()
        config = replace(recipe.sampling, seed=seed)
        alphas = LiveAlphas(recipe.alphas)
        engine.handle(Generate(2, recipe.sample_prompt, config, alphas, Cancellation()))
        last = events[-1]
        assert isinstance(last, RunFinished)
        return last.stats

    def in_window(seed: int) -> RunStats:
        return plain.generate(seed)

    def in_recorded_window(seed: int) -> RunStats:
        return recorded.generate(seed)

    ways = (headless, in_window, in_recorded_window)
    windows = {in_window: plain, in_recorded_window: recorded}
    rates: dict[str, list[float]] = defaultdict(list)
    spent: dict[str, list[Counter[str]]] = defaultdict(list)
    drafts: dict[str, list[Counter[str]]] = defaultdict(list)
    for seed in range(repeats + 1):
        # All see the same tokens; which comes first alternates. The first round is not counted.
        for way in ways if seed % 2 else reversed(ways):
            if way in windows:
                windows[way].show()
            before = _processor_seconds()
            stats = way(seed)
            after = _processor_seconds()
            if way in windows:
                windows[way].window.hide()
            _wait_for_history()
            if seed:
                rates[way.__name__].append(stats.tokens_per_second or 0.0)
                drafts[way.__name__].append(_draft_counts(stats))
                spent[way.__name__].append(
                    Counter({name: after[name] - before[name] for name in after})
                )
    recorded.show()
    late = _lateness(recorded, repeats + 1)
    garbage.stop()
    plain.close()
    recorded.close()
    return {
        "tokens_per_s": {name: round(statistics.median(found), 1) for name, found in rates.items()},
        "ratio_to_headless": {
            way.__name__: _spread(
                [
                    ours / alone
                    for ours, alone in zip(rates[way.__name__], rates["headless"], strict=True)
                ]
            )
            for way in ways[1:]
        },
        "processor_ms_per_token": {
            name: _by_thread(found, tokens) for name, found in spent.items()
        },
        "drafts_per_run": {
            name: {
                count: statistics.mean(run[count] for run in found)
                for count in sum(found, Counter())
            }
            for name, found in drafts.items()
        },
        "heartbeat_late_ms": late,
    }


def _draft_counts(stats: RunStats) -> Counter[str]:
    """Blocks of each drafter in a run, drafted and accepted tokens, and tokens without a draft."""
    speculation = stats.speculation
    assert speculation is not None
    total = speculation.total
    found = Counter({f"blocks by {name}": counts.blocks for name, counts in speculation.sources})
    found |= {"drafted": total.drafted, "accepted": total.accepted, "plain": speculation.plain}
    return found


def _spread(ratios: list[float]) -> dict[str, float]:
    lower, median, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    found = {"median": median, "lower_quartile": lower, "upper_quartile": upper}
    found |= {"lowest": min(ratios), "highest": max(ratios)}
    return {name: round(ratio, 3) for name, ratio in found.items()}


def _by_thread(runs: list[Counter[str]], tokens: int) -> dict[str, float]:
    """Medians of the processor time a token: of each thread, and in all."""
    found = {
        name: statistics.median(run[name] for run in runs) * 1e3 / tokens
        for name in sorted({name for run in runs for name in run})
    }
    found["in all"] = statistics.median(run.total() for run in runs) * 1e3 / tokens
    return {name: round(spent, 3) for name, spent in found.items() if spent >= _LEAST_SHOWN_MS}


def _lateness(window: _DemoWindow, seed: int) -> dict[str, float]:
    """Lateness of a timer during a run of its own: so many beats cost something as well."""
    from PySide6.QtCore import QElapsedTimer, Qt, QTimer

    late: list[float] = []
    clock = QElapsedTimer()

    def beat() -> None:
        late.append(max(clock.nsecsElapsed() / 1e6 - HEARTBEAT_MS, 0.0))
        clock.restart()

    timer = QTimer(interval=HEARTBEAT_MS, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(beat)
    clock.start()
    timer.start()
    window.generate(seed)
    timer.stop()
    late.sort()
    return {
        "p50": round(late[len(late) // 2], 2),
        "p99": round(late[int(len(late) * 0.99)], 2),
        "max": round(late[-1], 2),
        "beats": len(late),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--only", choices=("paint", "generating"))
    parser.add_argument(
        "--same-drafts", action="store_true", help="plan the drafts independently of times"
    )
    options = parser.parse_args()
    let_waiting_threads_sleep(os.environ)
    report: dict[str, Any] = {
        "machine": {"processor": platform.machine(), "system": platform.platform()}
    }
    if options.only != "generating":
        report["first_paint"] = first_paint(options.repeats)
    if options.only != "paint":
        if options.same_drafts:
            _plan_drafts_alike()
        with tempfile.TemporaryDirectory() as folder:
            report["generating"] = window_against_headless(
                options.repeats, options.tokens, Path(folder)
            )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
