"""Start and end of the window: theme, saved state, event loop and engine's thread."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSettings, QSocketNotifier
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from app.checkpoints.recipes.recipe_file import (
    DEFAULT_RECIPE,
    find_recipe,
    read_recipe,
    write_recipe,
)
from app.checkpoints.spec import Recipe
from app.errors import DisplayError, TuneshiftError
from app.logs import start_logging
from app.running import RunningMark
from app.settings import (
    Settings,
    config_folder,
    expert_folder,
    history_file,
    load_settings,
    log_folder,
    state_folder,
)
from app.ui.appearance import Appearance
from app.ui.bridge import Bridge
from app.ui.garbage_timer import GarbageCollector
from app.ui.icons import application_icon
from app.ui.main_window import MainWindow
from app.ui.shutdown import NamedOwner, end_threads, end_threads_without_qt
from app.ui.state.run_log import RunLog
from app.ui.state.session import Session
from app.ui.translation import install_translations, translate
from app.ui.uncaught import UncaughtExceptions

log = logging.getLogger(__name__)

_STOPPED = "loop stopped before Future completed"


def run(recipe: Recipe | None = None) -> int:
    """Open the window, and return when it is closed and all threads have ended.

    Args:
        recipe: The recipe to open; by default the last one, or the demo.
    """
    crashes = start_logging()
    application = make_application()
    problems: list[TuneshiftError] = []
    settings = _settings(problems)
    install_translations(application, settings.language)
    garbage = GarbageCollector(application)
    bridge = Bridge(application)
    session = Session(bridge, recipe or _last_recipe(problems), settings)
    session.settings_changed.connect(lambda: _bound_prefixes(bridge, session.settings))
    _bound_prefixes(bridge, settings)
    Appearance(application, session)
    RunLog(session)
    store = QSettings(str(config_folder() / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(session, store)
    mark = RunningMark(state_folder())
    crashed = mark.begin()
    if crashed:
        problems.append(_crash())
    for problem in problems:
        session.report(problem)
    with UncaughtExceptions(session) as uncaught:
        shown = _show(application, uncaught, window, session, bridge, load=not crashed)
    garbage.stop()
    if not shown:
        window.remember_prompt()
        end_threads_without_qt(_thread_owners(window, session, bridge))
    _remember_recipe(session.recipe)
    mark.end()
    if crashes:
        faulthandler.disable()
        crashes.close()
    if not shown:
        raise DisplayError(
            "The screen that the window was on is gone",
            evidence=f"the log is in {log_folder()}",
            next_step="What was generated until then is in the history.",
        )
    return 0


def _bound_prefixes(bridge: Bridge, settings: Settings) -> None:
    bridge.set_prefix_bytes(settings.prefix_megabytes * 2**20)


def _show(
    application: QApplication,
    uncaught: UncaughtExceptions,
    window: MainWindow,
    session: Session,
    bridge: Bridge,
    *,
    load: bool,
) -> bool:
    """Show the window until it is closed.

    Returns:
        False if Qt ended its event loop before, because the display is gone.
    """
    ended = False

    async def until_closed() -> None:
        nonlocal ended
        await _until_closed(window, session, bridge, load=load)
        ended = True

    try:
        with asyncio.Runner(loop_factory=lambda: QEventLoop(application)) as runner:
            uncaught.watch(runner.get_loop())
            runner.run(until_closed())
    except RuntimeError as error:  # raised by qasync if Qt ends the loop by itself
        if ended or _STOPPED not in str(error):
            raise
        log.error("the screen is gone")
    return ended


def draw(recipe: Recipe) -> QImage:
    """Draw the window with a recipe but without an engine, for the self-test."""
    application = make_application()
    session = Session(Bridge(application), recipe, Settings())
    Appearance(application, session)
    with tempfile.TemporaryDirectory() as folder:
        store = QSettings(str(Path(folder, "window.ini")), QSettings.Format.IniFormat)
        window = MainWindow(session, store)
        window.add_plot()
        window.show()
        application.processEvents()
        image = window.grab().toImage()
        window.close()
    return image


def make_application() -> QApplication:
    """Make the Qt application with its name, icon and style."""
    application = QApplication(sys.argv[:1])
    application.setApplicationName("tuneshift")
    application.setApplicationDisplayName("Tuneshift")
    application.setDesktopFileName("tuneshift")
    application.setQuitOnLastWindowClosed(False)  # the engine's thread ends first
    application.setStyle("Fusion")
    application.setWindowIcon(application_icon())
    return application


async def _until_closed(
    window: MainWindow, session: Session, bridge: Bridge, *, load: bool
) -> None:
    """Show the window, start the engine after the first paint, and wait until both have ended."""
    loop = asyncio.get_running_loop()
    closed: asyncio.Future[None] = loop.create_future()

    def start_engine() -> None:
        log.info("the window is painted: %.2f s of processor time", time.process_time())
        window.add_plot()
        session.history.open(history_file())
        window.last_runs.restore()
        session.evaluations.open(history_file())
        session.trainings.open(expert_folder())
        bridge.start()
        if load:
            session.load()

    def finish() -> None:
        if not closed.done():
            closed.set_result(None)

    window.painted.connect(start_engine)
    window.closed.connect(finish)
    with _closed_by_signals(window):
        window.show()
        await closed
        await end_threads(_thread_owners(window, session, bridge))


def _thread_owners(window: MainWindow, session: Session, bridge: Bridge) -> tuple[NamedOwner, ...]:
    return (
        NamedOwner(translate("ClosingNotice", "the models"), bridge),
        NamedOwner(translate("ClosingNotice", "the local server"), session.serving),
        NamedOwner(translate("ClosingNotice", "a download"), session.downloads),
        NamedOwner(translate("ClosingNotice", "the search for models"), session.local_models),
        NamedOwner(translate("ClosingNotice", "the history"), session.history),
        NamedOwner(translate("ClosingNotice", "the evaluations"), session.evaluations),
        NamedOwner(translate("ClosingNotice", "the training"), session.trainings),
        NamedOwner(translate("ClosingNotice", "the search in the text"), window.find_bar.search),
    )


@contextmanager
def _closed_by_signals(window: MainWindow) -> Iterator[None]:
    """Make SIGTERM and Ctrl+C close the window like its close button."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    # QSocketNotifier, since asyncio's add_reader does not exist on Windows.
    woken = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read)

    def close() -> None:
        reader.recv(64)
        window.close()

    previous = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
    }
    # Python runs signal handlers only between bytecodes, so a signal has to wake Qt's loop.
    signal.set_wakeup_fd(writer.fileno())
    woken.activated.connect(close)
    try:
        yield
    finally:
        woken.setEnabled(False)
        signal.set_wakeup_fd(-1)
        for number, handler in previous.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()


def _crash() -> TuneshiftError:
    return TuneshiftError(
        translate("Application", "Tuneshift did not close properly the last time"),
        evidence=translate("Application", "the log is in {0}").format(log_folder()),
        next_step=translate(
            "Application",
            "The tokens generated until then are in the history. The recipe is not loaded "
            "yet: press Generate or Ctrl+R to load it.",
        ),
    )


def _settings(problems: list[TuneshiftError]) -> Settings:
    try:
        return load_settings()
    except TuneshiftError as error:
        problems.append(error)
        return Settings()


def _last_recipe_file() -> Path:
    return state_folder() / "last-recipe.toml"


def _last_recipe(problems: list[TuneshiftError]) -> Recipe:
    if _last_recipe_file().exists():
        try:
            return read_recipe(_last_recipe_file())
        except TuneshiftError as error:
            problems.append(error)
    return find_recipe(DEFAULT_RECIPE)


def _remember_recipe(recipe: Recipe) -> None:
    try:
        write_recipe(recipe, _last_recipe_file())
    except OSError as error:
        log.warning("the recipe is not remembered: %s", error)
