"""What the window costs: ``python -m tests.bench.window`` prints JSON.

- Seconds from the start of the process to the first paint, in fresh processes.
- Tokens per second of a run in the window and of the same run without one, in turn; and, since a
  busy machine has no steady rate, the processor time of all threads for a token of each.
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
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

HEARTBEAT_MS = 5
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


def window_against_headless(repeats: int, tokens: int, folder: Path) -> dict[str, Any]:
    """Run the demo in the window and without it, in turn, and compare the medians."""
    from PySide6.QtCore import QElapsedTimer, QEventLoop, QSettings, Qt, QTimer, SignalInstance

    from app.checkpoints.recipes.recipe_file import find_recipe
    from app.engine.commands import Generate, Load
    from app.engine.controls import Cancellation, LiveAlphas
    from app.engine.engine import Engine
    from app.engine.events import Event, RunFinished
    from app.settings import Settings
    from app.ui.bridge import Bridge
    from app.ui.garbage_timer import GarbageCollector
    from app.ui.main_window import MainWindow
    from app.ui.starting import make_application
    from app.ui.state.session import LoadState, Session
    from app.ui.theme import LIGHT, palette, stylesheet

    def wait_until(changed: SignalInstance, reached: Callable[[], bool]) -> None:
        loop = QEventLoop()  # exec() lets go of Python's lock; QTest.qWait does not
        connection = changed.connect(lambda: reached() and loop.quit())
        if not reached():
            loop.exec()
        changed.disconnect(connection)

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
    bridge = Bridge()
    session = Session(bridge, recipe, Settings())
    window = MainWindow(session, QSettings(str(folder / "w.ini"), QSettings.Format.IniFormat))
    window.resize(1280, 800)
    window.show()
    window.add_plot()
    session.history.open(folder / "history.sqlite")
    bridge.start()
    session.load()
    wait_until(session.load_changed, lambda: session.load_state is LoadState.LOADED)

    late: list[float] = []
    clock = QElapsedTimer()

    def beat() -> None:
        late.append(max(clock.nsecsElapsed() / 1e6 - HEARTBEAT_MS, 0.0))
        clock.restart()

    timer = QTimer(interval=HEARTBEAT_MS, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(beat)

    def headless(seed: int) -> float:
        config = replace(recipe.sampling, seed=seed)
        alphas = LiveAlphas(recipe.alphas)
        engine.handle(Generate(2, recipe.sample_prompt, config, alphas, Cancellation()))
        last = events[-1]
        assert isinstance(last, RunFinished)
        return last.stats.tokens_per_second or 0.0

    def in_window(seed: int) -> float:
        session.set_sampling(replace(recipe.sampling, seed=seed))
        session.runs.generate(recipe.sample_prompt)
        wait_until(session.runs.run_changed, lambda: not session.runs.running)
        run = session.runs.current
        assert run is not None
        assert run.stats is not None
        return run.stats.tokens_per_second or 0.0

    headless(0)
    in_window(0)
    pairs = []
    spent: dict[str, list[float]] = {"headless": [], "in_window": []}
    for seed in range(1, repeats + 1):
        events.clear()
        # Both see the same tokens; which comes first alternates.
        order = (headless, in_window) if seed % 2 else (in_window, headless)
        rates = {}
        for run in order:
            before = time.process_time()
            rates[run.__name__] = run(seed)
            spent[run.__name__].append((time.process_time() - before) * 1e3 / tokens)
        pairs.append((rates["headless"], rates["in_window"]))
    clock.start()
    timer.start()  # in a run of its own: two hundred beats a second cost something as well
    in_window(repeats + 1)
    timer.stop()
    garbage.stop()
    window.close()
    for thread in (bridge, session.history):
        thread.close()
        thread.join()
    late.sort()
    return {
        "headless_tokens_per_s": round(statistics.median(a for a, _ in pairs), 1),
        "window_tokens_per_s": round(statistics.median(b for _, b in pairs), 1),
        "ratio_median": round(statistics.median(b / a for a, b in pairs), 3),
        "processor_ms_per_token": {
            name: round(statistics.median(values), 2) for name, values in spent.items()
        },
        "ratios": [round(b / a, 3) for a, b in pairs],
        "heartbeat_late_ms": {
            "p50": round(late[len(late) // 2], 2),
            "p99": round(late[int(len(late) * 0.99)], 2),
            "max": round(late[-1], 2),
            "beats": len(late),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--only", choices=("paint", "generating"))
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the program does
    report: dict[str, Any] = {
        "machine": {"processor": platform.machine(), "system": platform.platform()}
    }
    if options.only != "generating":
        report["first_paint"] = first_paint(options.repeats)
    if options.only != "paint":
        with tempfile.TemporaryDirectory() as folder:
            report["generating"] = window_against_headless(
                options.repeats, options.tokens, Path(folder)
            )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
