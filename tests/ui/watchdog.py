"""Watches the window's thread in tests: for slots that compute long, and for calls that may block.

No wall clock is read, since machines are busy. Of a slot the processor time of its thread counts,
and a blocking call counts by its name, however short it was. What is allowed is listed below, with
the reason.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

APP = Path(__file__).parents[2] / "app"
_UI = f"{APP / 'ui'}/"

SLOT_SECONDS = 0.05
"""What a slot may take in the program."""

FACTOR = 10
"""How much more it may take in a test: other processes share caches and cores."""

MEASURES_THREADS = hasattr(time, "pthread_getcpuclockid")
"""Whether the system tells the processor time of another thread; Linux does."""

_SAMPLE_SECONDS = 0.01
_FRAMES = 15
_BLOCKING = frozenset(
    ("sqlite3.connect", "subprocess.Popen", "socket.connect", "socket.getaddrinfo")
)
_WAITS = {
    threading.Condition: ("wait",),  # which Event.wait and Queue.get call
    threading.Thread: ("join",),
}

ALLOWED_SLOTS = frozenset(
    (
        # Another theme restyles every widget in one call of Qt, once when it is chosen.
        "session.py:Session.set_settings",
        # A complete collection walks all objects of the process: in tests those of the suite too.
        "garbage_timer.py:GarbageCollector.collect",
        "garbage_timer.py:GarbageCollector._collect_oldest",
        "garbage_timer.py:GarbageCollector._collect_for",
        "garbage_timer.py:GarbageCollector.collect_all",
    )
)

ALLOWED_CALLS = frozenset(
    (
        # The program joins threads when it closes, and tests do to wait for them.
        ("Thread.join", "background.py:Background.join"),
        ("Thread.join", "run_history.py:History.join"),
        ("Thread.join", "bridge.py:Bridge.join"),
        ("Thread.join", "api_switch.py:Serving.join"),
        ("Thread.join", "training_follower.py:TrainingFollower.join"),
        # The last event of the server's thread, which ends right after it.
        ("Thread.join", "api_switch.py:Serving._handle"),
        # One connection of the window, for the candidates of a token and the title of a run.
        ("sqlite3.connect", "run_history.py:History._readable"),
    )
)


class Watchdog:
    """Collects what the main thread did within ``app/ui`` and should not have done.

    A slot is the outermost call of ``app/ui`` on the stack, whether the event loop or a test
    called it.
    """

    def __init__(self, slot_seconds: float = SLOT_SECONDS * FACTOR) -> None:
        self.found: list[str] = []
        self._slot_seconds = slot_seconds
        self._main = threading.main_thread().ident
        assert self._main is not None
        self._clock = time.pthread_getcpuclockid(self._main) if MEASURES_THREADS else None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch slots, where the system tells the processor time of another thread."""
        if self._clock is not None:
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._clock is not None:
            self._thread.join()

    def on_call(self, name: str) -> None:
        """A call that may block begins on the calling thread."""
        if threading.get_ident() != self._main:
            return
        frame: FrameType | None = sys._getframe(2)
        caller = _innermost(frame)
        if caller and (name, place := _place(caller)) not in ALLOWED_CALLS:
            self.found.append(
                f"{name} in {place}\n{''.join(traceback.format_stack(frame, _FRAMES))}"
            )

    def _sample(self) -> None:
        while not self._stopped.wait(_SAMPLE_SECONDS):
            frame = sys._current_frames().get(self._main)
            slot = _outermost(frame)
            if slot is not None and _place(slot) not in ALLOWED_SLOTS:
                self._see(slot, frame)
            del frame, slot  # a frame that is kept alive would keep widgets alive

    def _see(self, slot: FrameType, frame: FrameType | None) -> None:
        assert self._clock is not None
        now = time.clock_gettime(self._clock)
        mark = slot.f_trace
        if not isinstance(mark, _Mark):
            slot.f_trace = _Mark(now)
        elif self not in mark.told and now - mark.begun > self._slot_seconds:
            mark.told.append(self)
            stack = "".join(traceback.format_stack(frame, _FRAMES))
            spent = 1000 * (now - mark.begun)
            self.found.append(f"{_place(slot)} has taken {spent:.0f} ms of processor time\n{stack}")


class _Mark:
    """Marks the frame of a slot with the processor time at which it was first seen.

    The mark goes with the frame, whose address may be used again.
    """

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.told: list[Watchdog] = []

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Traces nothing; Python calls it if another tool traces."""


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_ui(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_UI)


def _outermost(frame: FrameType | None) -> FrameType | None:
    """The outermost frame of ``app/ui``."""
    found = None
    for each in _frames(frame):
        if _is_ui(each):
            found = each
    return found


def _innermost(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of ``app/ui``; None if it imports a module or starts a thread.

    A thread is started by waiting until it runs, which takes no longer than its creation.
    """
    for each in _frames(frame):
        imports = each.f_code.co_filename.startswith("<frozen importlib")
        if imports or each.f_code is threading.Thread.start.__code__:
            return None
        if _is_ui(each):
            return each
    return None


def _place(frame: FrameType) -> str:
    """File and function of a frame, such as ``bridge.py:Bridge.start``."""
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_qualname}"


class Listener(Protocol):
    """Hears of calls that may block, on any thread."""

    def on_call(self, name: str) -> None: ...


_listeners: list[Listener] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _BLOCKING:
        for listener in _listeners:
            listener.on_call(event)


sys.addaudithook(_audit)  # which cannot be removed


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell ``listener`` of what Python's audit events say about calls that may block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def watched(watchdog: Watchdog) -> Iterator[None]:
    """Tell ``watchdog`` of calls that may block."""
    before = {}
    for owner, names in _WAITS.items():
        for name in names:
            before[owner, name] = getattr(owner, name)
            setattr(owner, name, _told(watchdog, f"{owner.__name__}.{name}", before[owner, name]))
    try:
        with listening(watchdog):
            yield
    finally:
        for (owner, name), method in before.items():
            setattr(owner, name, method)


def _told(watchdog: Watchdog, name: str, method: Any) -> Any:
    def call(self: object, *arguments: Any, **named: Any) -> Any:
        watchdog.on_call(name)
        return method(self, *arguments, **named)

    return call
