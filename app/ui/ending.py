"""How the window ends: everything is cancelled and every thread waited for, with or without Qt."""

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
"""What takes longer to end is named to the person."""

_POLL_SECONDS = 0.02


class Owner(Protocol):
    """What has a thread of its own."""

    def close(self) -> None:
        """Cancel what is on; returns at once."""
        ...

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """An owner of a thread with what to call its work."""

    name: str
    owner: Owner


class Farewell(QWidget):
    """A small window that says what the program still waits for; the large one is gone."""

    def __init__(self) -> None:
        super().__init__(None, Qt.WindowType.Dialog | Qt.WindowType.WindowTitleHint)
        self.setWindowTitle(translate("Farewell", "Tuneshift is closing"))
        self._label = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.addWidget(self._label)

    @property
    def message(self) -> str:
        """What it says."""
        return self._label.text()

    def show_names(self, names: Sequence[str]) -> None:
        """Show what is waited for."""
        text = translate("Farewell", "Waiting for: {0}").format(", ".join(names))
        if text != self._label.text():
            log.warning("still waiting for: %s", ", ".join(names))
            self._label.setText(text)
        self.setVisible(True)


async def end_threads(endings: Sequence[Ending], patience: float = PATIENCE_SECONDS) -> None:
    """Cancel what is on and wait for all threads, with Qt's loop alive; the window is gone already.

    Args:
        endings: Whose threads.
        patience: Seconds until the person is told what is waited for.
    """
    for ending in endings:
        ending.owner.close()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    farewell: Farewell | None = None
    while waiting := [ending.name for ending in endings if not ending.owner.join(0)]:
        if loop.time() - begun >= patience:
            farewell = farewell or Farewell()
            farewell.show_names(waiting)
        await asyncio.sleep(_POLL_SECONDS)
    if farewell:
        farewell.close()
        farewell.deleteLater()


def end_threads_without_qt(endings: Sequence[Ending]) -> None:
    """The same where Qt's loop has ended by itself: the screen that the window was on is gone."""
    for ending in endings:
        ending.owner.close()
    for ending in endings:
        ending.owner.join()
