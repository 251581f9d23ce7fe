"""The line that says whether the chosen models fit together and into memory."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import Recipe
from app.errors import TuneshiftError
from app.ui.models import candidate_check
from app.ui.models.candidate_check import CandidateCheck
from app.ui.state.session import Session
from app.ui.widgets.message_label import MessageLabel
from app.wording import size

_PAUSE_MS = 250
"""Milliseconds that a choice must stay before it is checked."""


class RecipeCheck(MessageLabel):
    """Checks a recipe before it is loaded: its vocabularies and its memory."""

    ended = Signal()
    """The check of the recipe ended."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._check = CandidateCheck(session, self)
        self._check.finished.connect(self._on_finished)
        self._wanted: Recipe | None = None
        self._models: object = None
        self._pause = QTimer(self, interval=_PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._start)
        self.refused = False

    def check(self, recipe: Recipe) -> None:
        """Check the models of ``recipe``, unless they are being checked or have been."""
        if recipe.models == self._models:
            return
        self.forget()
        self._wanted, self._models = recipe, recipe.models
        self.show_message(self.tr("Checking vocabulary and memory …"))
        self._pause.start()

    def forget(self) -> None:
        """Forget the recipe and its result."""
        self._pause.stop()
        self._check.cancel()
        self._wanted, self._models = None, None
        self.refused = False

    def _start(self) -> None:
        if self._wanted:
            self._check.start(self._wanted, [])

    def _on_finished(self, found: Preflight | TuneshiftError) -> None:
        wrong = candidate_check.unusable(found) if isinstance(found, Preflight) else found
        self.refused = wrong is not None
        if wrong:
            self.show_message(str(wrong), "error")
        elif isinstance(found, Preflight):
            fits = found.memory.fits
            said = [candidate_check.describe(found), *self._memory(found)]
            self.show_message(" ".join(said), "caption" if fits else "error")
        self.ended.emit()

    def _memory(self, found: Preflight) -> list[str]:
        """How much memory the recipe needs where it fits; the description says where not."""
        if not found.memory.fits:
            return [
                self.tr("The memory bar at the bottom left lists changes that make a recipe fit.")
            ]
        fits = self.tr("It needs {0} of {1} free on {2}.")
        return [
            fits.format(size(device.peak), size(device.free), device.device)
            for device in found.memory.devices
            if device.peak
        ]
