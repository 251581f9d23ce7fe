"""Hundreds of runs in one window: what a long day of a restless person does to the program."""

from __future__ import annotations

import gc
import json
import random
import statistics
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QElapsedTimer, QEventLoop, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.checkpoints.memory.heap import release_memory
from app.checkpoints.recipes.recipe_file import read_recipe
from app.settings import Settings
from app.ui.appearance import Appearance
from app.ui.bridge import Bridge
from app.ui.garbage_timer import GarbageCollector
from app.ui.main_window import MainWindow
from app.ui.shutdown import NamedOwner
from app.ui.starting import make_application
from app.ui.state.session import LoadState, Session

HEARTBEAT_MS = 5
WARM_UP = 0.5
"""Share of the runs after which memory is compared; caches and heaps have their size by then."""

_KEPT_TEXTS = 8
_PATIENCE_MS = 120_000
_LOOKS, _LEAST_APART = 20, 10
"""How often memory is measured."""


class Soak:
    """Does one thing after another in one window and keeps the figures.

    Args:
        recipes: Files of recipes to switch between.
        home: Where the history is.
        seed: Decides what is done.
    """

    def __init__(self, recipes: list[Path], home: Path, seed: int) -> None:
        self.drawn = random.Random(seed)
        self.recipes = [read_recipe(path) for path in recipes]
        self.problems: list[str] = []
        self.done: dict[str, int] = {}
        self.late: list[float] = []
        self.memory: list[int] = []
        self.application = make_application()
        self.garbage = GarbageCollector(self.application)
        self.bridge = Bridge(self.application)
        self.session = Session(self.bridge, self.recipes[0], Settings(row_megabytes=16))
        self.appearance = Appearance(self.application, self.session)
        memory = QSettings(str(home / "window.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow(self.session, memory)
        self.session.problem_changed.connect(self._on_problem)
        self.window.show()
        self.window.add_plot()
        self.session.history.open(home / "history.sqlite3")
        self.bridge.start()
        self.session.load()
        self.wait(lambda: self.session.load_state is LoadState.LOADED)

    def _on_problem(self) -> None:
        if self.session.problem:
            self.problems.append(str(self.session.problem.error))

    def wait(self, reached: Callable[[], bool]) -> None:
        """Let the window live until something is so."""
        loop = QEventLoop()
        check = QTimer(interval=1)
        check.timeout.connect(lambda: reached() and loop.quit())
        end = QTimer(singleShot=True, interval=_PATIENCE_MS)
        end.timeout.connect(loop.quit)
        check.start()
        end.start()
        if not reached():
            loop.exec()
        check.stop()
        end.stop()
        assert reached(), f"nothing came of it: {self.done} {self.problems[-1:]}"

    def run(self, count: int) -> None:
        """Make ``count`` runs."""
        clock = QElapsedTimer()
        clock.start()

        def beat() -> None:
            self.late.append(max(clock.nsecsElapsed() / 1e6 - HEARTBEAT_MS, 0.0))
            clock.restart()

        heart = QTimer(interval=HEARTBEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        heart.timeout.connect(beat)
        heart.start()
        for number in range(count):
            self._one_run()
            if number % max(count // _LOOKS, _LEAST_APART) == 0 or number == count - 1:
                heart.stop()
                self.memory.append(self._resident())
                clock.restart()
                heart.start()
        heart.stop()

    def _one_run(self) -> None:
        act = self.drawn.choices(
            (self._generate, self._fork, self._typed_fork, self._go_on, self._switch),
            (50, 20, 8, 10, 12),
        )[0]
        name = act.__name__.strip("_")
        self.done[name] = self.done.get(name, 0) + 1
        self._meddle()
        act()
        runs, drawn = self.session.runs, self.drawn
        run = runs.current
        if run and drawn.random() < 0.3:
            enough = len(run.tokens) + drawn.randrange(5)
            self.wait(lambda: not runs.running or len(run.tokens) >= enough)
            runs.stop()
        elif drawn.random() < 0.5:
            self.session.set_alpha(0, drawn.uniform(-1, 3))
        self.wait(lambda: not runs.running and self.session.load_state is LoadState.LOADED)
        while len(runs.all) > _KEPT_TEXTS:
            runs.remove(runs.all[0])
        if runs.removed:
            runs.restore() if drawn.random() < 0.1 else None

    def _meddle(self) -> None:
        """What a person does besides."""
        session, drawn = self.session, self.drawn
        session.set_alpha(0, drawn.uniform(-1, 3))
        session.set_sampling(
            replace(
                session.recipe.sampling,
                max_new_tokens=drawn.randrange(1, 24),
                seed=drawn.randrange(1000),
                temperature=drawn.choice((0.0, 0.8, 1.5)),
            )
        )
        if drawn.random() < 0.3:
            self.window.resize(drawn.randrange(900, 1600), drawn.randrange(560, 1000))
        if session.runs.all and drawn.random() < 0.3:
            session.runs.show(drawn.choice(session.runs.all))
        if session.runs.current and session.runs.current.tokens and drawn.random() < 0.5:
            session.selection.select(drawn.randrange(len(session.runs.current.tokens)))
        QApplication.processEvents()

    def _generate(self) -> None:
        self.session.runs.generate("the king " * self.drawn.randrange(1, 20))

    def _fork(self) -> None:
        run = self.session.runs.current
        if run and run.tokens and self.session.runs.can_continue(run):
            self.session.runs.fork(self.drawn.randrange(len(run.tokens)))
        else:
            self._generate()

    def _typed_fork(self) -> None:
        run = self.session.runs.current
        if run and self.session.runs.can_continue(run):
            self.session.runs.fork(len(run.tokens), text=" and the queen")
        else:
            self._generate()

    def _go_on(self) -> None:
        run = self.session.runs.current
        if run and self.session.runs.can_continue(run):
            self.session.runs.continue_run(self.drawn.randrange(1, 12))
        else:
            self._generate()

    def _switch(self) -> None:
        self.session.open_recipe(self.drawn.choice(self.recipes))
        self._generate()

    def _resident(self) -> int:
        """Bytes of the process with everything given back that can be."""
        gc.collect()
        release_memory()
        return int(psutil.Process().memory_info().rss)

    def close(self) -> list[str]:
        """End as the application does; the threads that are left."""
        self.window.close()
        owners = (
            NamedOwner("models", self.bridge),
            NamedOwner("downloads", self.session.downloads),
            NamedOwner("history", self.session.history),
        )
        for named in owners:
            named.owner.close()
        self.wait(lambda: all(named.owner.join(0) for named in owners))
        self.garbage.stop()
        return [
            thread.name
            for thread in threading.enumerate()
            if thread is not threading.main_thread() and not thread.daemon
        ]


def soak(recipes: list[Path], home: Path, runs: int, seed: int) -> dict[str, Any]:
    """Make ``runs`` runs and say how it went."""
    started = Soak(recipes, home, seed)
    started.run(runs)
    left = started.close()
    warm = started.memory[int(len(started.memory) * WARM_UP) :]
    tenth = max(len(started.late) // 10, 1)
    return {
        "runs": runs,
        "done": started.done,
        "problems": sorted(set(started.problems)),
        "threads_left": left,
        "megabytes": [round(size / 1e6, 1) for size in started.memory],
        "growth": round(warm[-1] / warm[0] - 1, 4),
        "late_ms": {
            "first_tenth": _quantiles(started.late[tenth : 2 * tenth]),
            "last_tenth": _quantiles(started.late[-tenth:]),
        },
    }


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values) or [0.0]
    return {
        "median": round(statistics.median(ordered), 2),
        "p99": round(ordered[int(len(ordered) * 0.99)], 2),
    }


def main() -> None:
    """Print the figures as JSON: recipes..., a folder, runs, a seed."""
    import sys

    *recipes, home, runs, seed = sys.argv[1:]
    print(json.dumps(soak([Path(r) for r in recipes], Path(home), int(runs), int(seed)), indent=2))


if __name__ == "__main__":
    main()
