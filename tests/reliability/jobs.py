"""What the children of the nursery do: the real window, the real history, with something to say.

Everything is imported here, before the fork; no thread and no Qt application may begin here.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyqtgraph  # noqa: F401 — imported late by the window
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QPlainTextEdit

import app.ui.plot.shift_plot  # noqa: F401 — imported late by the window
from app.__main__ import main
from app.checkpoints.recipes.recipe_file import read_recipe, write_recipe
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.engine import engine
from app.engine.commands import Command
from app.engine.engine import Engine
from app.engine.events import Event, TokenDecoded
from app.errors import TuneshiftError
from app.history import database_writer, records
from app.history.archive import Query
from app.history.database import Database
from app.history.records import StoredRun
from app.history.schema import VERSIONS
from app.settings import save_settings
from app.ui import starting
from app.ui.history import exporting
from app.ui.main_window import MainWindow
from app.ui.recipe import recipe_files
from app.ui.shutdown import ClosingNotice
from app.ui.state.runs import run as run_module
from app.ui.state.runs.run import Run
from app.ui.state.session import LoadState, Session
from tests.history.invented import new_run, write_run
from tests.reliability.fuzzing import TARGETS
from tests.reliability.soak import soak

MORE_TABLES = (
    "ALTER TABLE run ADD COLUMN invented TEXT NOT NULL DEFAULT 'x'",
    "CREATE TABLE copied AS SELECT * FROM candidates, (SELECT 1 UNION SELECT 2 UNION SELECT 3)",
    "UPDATE run SET invented = title || prompt",
    "CREATE INDEX copied_run ON copied (run, position)",
)
"""A step to a next version that takes a while."""

_PACE_SECONDS = 0.004


def tell(**said: Any) -> None:
    """Say something to the parent; one write, so that a kill cuts nothing in two."""
    line = json.dumps({"at": time.monotonic_ns(), **said}) + "\n"
    os.write(sys.stdout.fileno(), line.encode())


def run_window(recipe: str, script: Callable[[MainWindow, Session], None]) -> int:
    """The real window on a real engine; ``script`` is called when it has been painted."""
    make = MainWindow.__init__

    def made(self: MainWindow, session: Session, memory: Any) -> None:
        make(self, session, memory)
        self.painted.connect(lambda: after(0, lambda: script(self, session)))
        session.problem_changed.connect(
            lambda: tell(problem=str(session.problem.error) if session.problem else "")
        )

    MainWindow.__init__ = made  # type: ignore[method-assign]
    try:
        return starting.run(read_recipe(Path(recipe)))
    except TuneshiftError as error:
        tell(error=str(error))
        return 2


def after(milliseconds: int, act: Callable[[], None]) -> None:
    QTimer.singleShot(milliseconds, act)


def _tell_of_tokens() -> None:
    """Say each run that is asked of the engine and each token that it draws, on its own thread."""
    make = Engine.__init__
    handle = Engine.handle

    def made(self: Engine, emit: Callable[[Event], None], *others: Any) -> None:
        def emit_and_tell(event: Event) -> None:
            if isinstance(event, TokenDecoded):
                tell(token=event.step.index, run=event.id)
            emit(event)

        make(self, emit_and_tell, *others)

    def handled(self: Engine, command: Command, *others: Any) -> None:
        tell(phase=type(command).__name__)
        handle(self, command, *others)
        tell(phase="idle")

    Engine.__init__ = made  # type: ignore[method-assign]
    Engine.handle = handled  # type: ignore[method-assign]


def _never_end() -> None:
    """No token ends a text: random weights may choose it at once."""
    decode = engine.decode

    def decode_on(*arguments: Any, **options: Any) -> Any:
        return decode(*arguments, **{**options, "eos_ids": ()})

    engine.decode = decode_on  # type: ignore[assignment]


def _take_time(seconds: float = _PACE_SECONDS) -> None:
    """Let every evaluation take a while, as it does with larger models."""
    for kind in (TransformersLanguageModel, LlamaCppLanguageModel):
        kind.extend = _slow(kind.extend, seconds)  # type: ignore[attr-defined]


def _slow(extend: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    def slow(self: Any, tokens: Any, last: int = 1) -> Any:
        time.sleep(seconds + len(tokens) / 5000)
        return extend(self, tokens, last)

    return slow


# Killed at any moment


def person(recipe: str, seed: str) -> int:
    """Someone types, generates, moves α, forks, saves and goes on for ever."""
    _tell_of_tokens()
    _take_time()
    drawn = random.Random(seed)
    words = [f"word{number}" for number in range(1000)]

    def script(window: MainWindow, session: Session) -> None:
        edit = window.prompt.findChild(QPlainTextEdit)
        assert edit is not None

        def began(run: Run) -> None:  # the recorder hears of it after this script
            after(0, lambda: tell(began=run.prompt, id=session.history.id_of(run)))

        session.runs.generation.began.connect(began)
        session.runs.generation.decoded.connect(
            lambda run, events: tell(came=session.history.id_of(run), last=events[-1].step.index)
        )

        def type_on() -> None:
            word = drawn.choice(words)
            edit.insertPlainText(f" {word}")
            tell(typed=window.prompt.text)

        def begin() -> None:
            window.prompt.set_text(f"{drawn.choice(words)} " * drawn.choice((3, 60)))
            for step in range(6):
                after(15 * step, type_on)
            after(100, generate)

        def generate() -> None:
            session.set_sampling(
                replace(session.recipe.sampling, max_new_tokens=drawn.choice((20, 200)))
            )
            session.runs.generate(window.prompt.text)
            after(drawn.choice((30, 400)), act)

        def act() -> None:
            session.set_alpha(0, drawn.random())
            if drawn.random() < 0.5:
                session.runs.stop()
            after(50, save)

        def save() -> None:
            if session.runs.running:
                after(50, save)
                return
            tell(phase="saving")
            path = Path(os.environ["XDG_CONFIG_HOME"], "mine.toml")
            write_recipe(replace(session.recipe, description="x" * 100_000), path)
            session.set_settings(session.settings)
            window.remember()
            tell(phase="saved")
            if session.runs.current and session.runs.current.tokens and drawn.random() < 0.5:
                session.runs.fork(len(session.runs.current.tokens) // 2, text=" typed")
            after(drawn.choice((1, 60)), begin)

        begin()

    return run_window(recipe, script)


def migrate(path: str) -> int:
    """Bring a history to a next version."""
    tell(phase="migrating")
    Database(Path(path), (*VERSIONS, MORE_TABLES)).close()
    tell(phase="migrated")
    return 0


# What happens to a window


def generating(recipe: str, tokens: str = "400") -> int:
    """The window generates one text and says so; it ends when it is closed from outside."""
    _tell_of_tokens()
    _never_end()
    _take_time(0.001)

    def script(window: MainWindow, session: Session) -> None:
        session.set_sampling(replace(session.recipe.sampling, max_new_tokens=int(tokens)))
        session.runs.generation.decoded.connect(
            lambda run, events: tell(came=events[-1].step.index)
        )
        session.runs.run_changed.connect(
            lambda: (
                session.runs.running
                or not session.runs.current
                or tell(
                    ended=str(session.runs.current.finish_reason),
                    ids=list(session.runs.current.token_ids),
                )
            )
        )
        session.runs.generate(window.prompt.text)

    return run_window(recipe, script)


def closed(recipe: str, when: str) -> int:
    """The window is closed in the middle of something; says how long the rest takes."""
    seconds = 0.02
    if when == "slow":
        seconds = 3.0  # an evaluation that cannot be interrupted
    _tell_of_tokens()
    _never_end()
    _take_time(seconds)
    begun = 0.0

    def script(window: MainWindow, session: Session) -> None:
        def close() -> None:
            nonlocal begun
            begun = time.monotonic()
            tell(phase="closing")
            window.close()
            watch_notice()

        def watch_notice() -> None:
            after(50, lambda: _tell_of_notice() or watch_notice())

        def on_event() -> None:
            if when == "loading" and session.load_state is LoadState.LOADING:
                session.load_changed.disconnect(on_event)
                close()

        def watch() -> None:
            tokens = session.runs.current.tokens if session.runs.current else []
            waits = when == "decoding" and len(tokens) < 4
            if session.load_state is LoadState.LOADED and session.runs.running and not waits:
                after(30, close)
            else:
                after(5, watch)

        if when == "starting":
            close()
        elif when == "loading":
            session.load_changed.connect(on_event)
        else:
            session.runs.generate("the king " * 100)
            watch()

    status = run_window(recipe, script)
    tell(took=time.monotonic() - begun)
    return status


def _tell_of_notice() -> bool:
    """Say what the window waits for before it ends, if it says so; whether it does."""
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, ClosingNotice) and widget.isVisible():
            tell(shown=widget.message)
            return True
    return False


def saving(recipe: str, folder: str) -> int:
    """Generate, export and save; and once more when there is a file “go”. Says what was told."""
    _never_end()
    place, told = Path(folder), list[str]()

    def script(window: MainWindow, session: Session) -> None:
        session.set_sampling(replace(session.recipe.sampling, max_new_tokens=30))
        session.problem_changed.connect(
            lambda: session.problem and told.append(str(session.problem.error))
        )
        with suppress(OSError):
            place.mkdir()

        def begin(step: str) -> None:
            window.prompt.set_text(step)
            session.runs.generate(step)
            ended(step)

        def ended(step: str) -> None:
            run = session.runs.current
            if run is None or run.active or session.runs.running:
                after(5, partial(ended, step))
                return
            session.history.reader.document(
                session.history.id_of(run)
            )  # all of it is written by now
            recipe_files.save_file(session, place / "mine.toml")
            try:
                save_settings(replace(session.settings, theme="dark"))
            except TuneshiftError as error:
                told.append(str(error))
            exporting.export(session, [session.history.id_of(run)], "json", place / "run.json")
            exported(step)

        def exported(step: str) -> None:
            if not session.history.background.join(0):
                after(5, partial(exported, step))
                return
            after(5, partial(say, step))

        def say(step: str) -> None:
            run = session.runs.current
            tell(
                step=step,
                told=told,
                tokens=len(run.tokens) if run else 0,
                runs=sum(map(len, session.history.reader.find_in_parts(Query()))),
            )
            wait()

        def wait() -> None:
            if (place / "go").is_symlink():
                (place / "go").unlink()
                begin("second")
            else:
                after(5, wait)

        begin("first")

    return run_window(recipe, script)


def talking(recipe: str, prompt: str) -> int:
    """A run ends, a run breaks, and things go wrong in a slot, a task and a thread."""
    _never_end()

    def script(window: MainWindow, session: Session) -> None:
        def fail(place: str) -> None:
            raise RuntimeError(f"nobody expected this in {place}: {prompt}")

        async def fail_in_a_task() -> None:
            fail("a task")

        def ended(then: Callable[[], None]) -> None:
            run = session.runs.current
            if run is None or run.active or session.runs.running:
                after(5, partial(ended, then))
            else:
                then()

        def break_engine() -> None:
            run = session.runs.current
            tell(text=run.text if run else "")
            engine.attribute_step = lambda *_, **__: fail("the engine")  # type: ignore[assignment]
            session.runs.generate(prompt)
            ended(break_the_rest)

        def break_the_rest() -> None:
            after(0, lambda: fail("a slot"))
            after(20, lambda: tasks.append(asyncio.ensure_future(fail_in_a_task())))
            after(40, lambda: threading.Thread(target=fail, args=("a thread",)).start())
            after(60, close_when_told)

        def close_when_told() -> None:
            tasks[:] = [task for task in tasks if not task.done()]
            gc.collect()  # a task says what it failed of when nothing refers to it any more
            places = ("a slot", "a task", "a thread")
            if all(any(place in problem for problem in problems) for place in places):
                window.close()
            else:
                after(20, close_when_told)

        tasks: list[Any] = []
        problems: list[str] = []
        session.problem_changed.connect(
            lambda: session.problem and problems.append(str(session.problem.error))
        )
        window.prompt.set_text(prompt)
        session.runs.generate(prompt)
        ended(break_engine)

    return run_window(recipe, script)


def _draw(window: MainWindow, session: Session) -> dict[str, Any]:
    """What the window looks like, in numbers."""
    image = window.grab().toImage()
    places = itertools.product(range(0, image.width(), 7), range(0, image.height(), 7))
    return {
        "ratio": image.devicePixelRatio(),
        "size": [window.width(), window.height()],
        "picture": [image.width(), image.height()],
        "colors": len({image.pixel(x, y) for x, y in places}),
        "tokens": _tokens(session),
    }


def _tokens(session: Session) -> int:
    return sum(len(run.tokens) for run in session.runs.all)


def moved(recipe: str) -> int:
    """The window goes to another screen and back while it generates."""
    _never_end()
    _take_time(0.002)

    def script(window: MainWindow, session: Session) -> None:
        screens = {screen.name(): screen for screen in QApplication.screens()}

        def move(names: list[str], seen: int = 0) -> None:
            if not session.runs.running:
                session.runs.generate(window.prompt.text)
            if _tokens(session) < seen + 10:
                after(5, partial(move, names, seen))
                return
            if window.screen().name() != names[0]:
                window.windowHandle().setScreen(screens[names[0]])
                after(20, partial(move, names, seen))
                return
            tell(screen=window.screen().name(), **_draw(window, session))
            if names[1:]:
                move(names[1:], _tokens(session))
            else:
                window.close()

        session.set_sampling(replace(session.recipe.sampling, max_new_tokens=400))
        move(["plain", "fine", "plain"])

    return run_window(recipe, script)


def resized(recipe: str) -> int:
    """The window in sizes that people give it."""

    def script(window: MainWindow, session: Session) -> None:
        def go_on(sizes: list[tuple[int, int]]) -> None:
            if not sizes:
                window.close()
                return
            window.resize(*sizes[0])
            session.runs.generate(window.prompt.text)
            after(60, lambda: (tell(**_draw(window, session)), go_on(sizes[1:])))

        go_on([(900, 560), (1280, 720), (3840, 2160), (900, 2000), (2560, 560), (1, 1)])

    return run_window(recipe, script)


def set_back(recipe: str) -> int:
    """Three runs while the clock is set back by years between and during them."""
    now, moment = time.time, [2e9]

    def earlier() -> float:
        moment[0] -= 1e6
        return moment[0]

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(earlier(), tz)

    time.time = earlier
    for module in (records, database_writer, run_module):
        module.datetime = Earlier  # type: ignore[attr-defined]

    def script(window: MainWindow, session: Session) -> None:
        def generate(prompts: list[str]) -> None:
            if not prompts:
                run_ids = [
                    run.id for part in session.history.reader.find_in_parts(Query()) for run in part
                ]
                documents = [session.history.reader.document(id_) for id_ in run_ids]
                time.time = now
                tell(runs=[_summary(document.run) for document in documents])
                window.close()
                return
            session.runs.generate(prompts[0])
            ended(prompts[1:])

        def ended(rest: list[str]) -> None:
            if session.runs.running:
                after(5, partial(ended, rest))
            else:
                generate(rest)

        generate(["first", "second", "third"])

    return run_window(recipe, script)


def _summary(run: StoredRun) -> dict[str, Any]:
    figures = run.figures
    return {
        "prompt": run.prompt,
        "created": run.summary.created.isoformat(),
        "rate": figures.tokens_per_second if figures else None,
        "prefill": figures.prefill_seconds if figures else -1.0,
    }


def to_a_full_disk(*arguments: str) -> int:
    """The command line, with nowhere to write to; says its status."""
    told = os.dup(1)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    status = main(list(arguments))
    os.dup2(told, 1)
    tell(status=status)
    return 0


def record(path: str, seed: str) -> int:
    """Write run after run into a history that others write as well."""
    from app.history.writer import HistoryWriter

    writer = HistoryWriter(Path(path), lambda error: tell(told=str(error)))
    writer.start()
    for number in itertools.count():
        run = new_run(f"program {seed}, run {number}")
        write_run(writer, run, 5)
        if not writer.flush(60):
            return 1
        tell(written=run.id, by=seed)
    return 0


def soaked(*arguments: str) -> int:
    """Run after run in one window; says the figures at the end."""
    *recipes, home, runs, seed = arguments
    tell(figures=soak([Path(recipe) for recipe in recipes], Path(home), int(runs), int(seed)))
    return 0


def fuzzed(target: str, folder: str, first: str, count: str, seconds: str) -> int:
    """Damage a file ``count`` times, and on for ``seconds``; says each seed before it is tried."""
    place = Path(folder)
    place.mkdir(parents=True)
    damage = TARGETS[target](place)
    end = time.monotonic() + float(seconds)
    seed, outcomes = int(first), Counter[str]()
    while seed < int(first) + int(count) or time.monotonic() < end:
        tell(seed=seed)
        outcomes[damage(random.Random(seed))] += 1
        seed += 1
    tell(outcomes=outcomes)
    return 0
