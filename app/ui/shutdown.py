"""Shutdown: cancels all work and waits for all threads, with or without Qt's event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.ui.theme import SPACE
from app.ui.translation import translate

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""Time after which the window names the threads that it still waits for."""

_POLL_SECONDS = 0.02


class ThreadOwner(Protocol):
    """An object with a thread of its own."""

    def close(self) -> None:
        """Cancel the work of the thread; returns at once."""
        ...

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has ended."""
        ...


@dataclass(frozen=True, slots=True)
class NamedOwner:
    """An owner of a thread, with the name of its work for the user."""

    name: str
    owner: ThreadOwner


class ClosingNotice(QWidget):
    """Small window shown while threads are still ending after the main window has closed."""

    def __init__(self) -> None:
        super().__init__(None, Qt.WindowType.Dialog | Qt.WindowType.WindowTitleHint)
        self.setWindowTitle(translate("ClosingNotice", "Tuneshift is closing"))
        self._label = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.addWidget(self._label)

    @property
    def message(self) -> str:
        """The shown text."""
        return self._label.text()

    def show_names(self, names: Sequence[str]) -> None:
        """Show the names of the work that is still ending."""
        text = translate("ClosingNotice", "Waiting until these have ended: {0}").format(
            ", ".join(names)
        )
        if text != self._label.text():
            log.warning("still waiting for: %s", ", ".join(names))
            self._label.setText(text)
        self.setVisible(True)


async def end_threads(owners: Sequence[NamedOwner], patience: float = PATIENCE_SECONDS) -> None:
    """Cancel all work and wait for all threads, with Qt's event loop running.

    Args:
        owners: The owners of the threads.
        patience: Seconds until a small window names what is still ending.
    """
    for named in owners:
        named.owner.close()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    notice: ClosingNotice | None = None
    while waiting := [named.name for named in owners if not named.owner.join(0)]:
        if loop.time() - begun >= patience:
            notice = notice or ClosingNotice()
            notice.show_names(waiting)
        await asyncio.sleep(_POLL_SECONDS)
    if notice:
        notice.close()
        notice.deleteLater()


def end_threads_without_qt(owners: Sequence[NamedOwner]) -> None:
    """Cancel all work and wait for all threads after Qt's event loop has ended by itself.

    Qt ends the loop when the connection to the display is lost.
    """
    for named in owners:
        named.owner.close()
    for named in owners:
        named.owner.join()
