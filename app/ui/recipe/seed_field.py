"""Field of the seed: pinned for all runs, or new each time."""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.decoding.noise import new_seed
from app.errors import SettingsError
from app.ui.state.session import Session
from app.ui.theme import SPACE


class SeedField(QWidget):
    """Edits the seed of the recipe; a typed number is pinned."""

    refused = Signal(str)
    """A typed seed was refused; the reason, or empty when the field shows a valid seed again."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.edit = QLineEdit()
        self.edit.setValidator(
            QRegularExpressionValidator(QRegularExpression("[0-9]{0,20}"), self.edit)
        )
        self.edit.setPlaceholderText(self.tr("new each time"))
        self.edit.setToolTip(
            self.tr(
                "The same seed, recipe and prompt give the same text.\n"
                "Without a pinned seed, every run has a new one, which is recorded with it."
            )
        )
        self.edit.textEdited.connect(self._take)
        self.edit.editingFinished.connect(self.show_seed)
        dice = self._button("⚄", self.tr("New random seed"))
        dice.setToolTip(self.tr("Pin a new random seed"))
        dice.clicked.connect(lambda: session.set_seed(new_seed()))
        self.pin = self._button(self.tr("Pin"), self.tr("Pin the seed"))
        self.pin.setCheckable(True)
        self.pin.setToolTip(
            self.tr("Use the seed of the shown run for all runs, until the pin is removed.")
        )
        self.pin.clicked.connect(self._set_pinned)
        buttons = QHBoxLayout()
        buttons.addWidget(dice)
        buttons.addWidget(self.pin)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.edit)
        layout.addLayout(buttons)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _button(self, text: str, name: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setProperty("role", "segment")
        button.setAccessibleName(name)
        return button

    def show_seed(self) -> None:
        """Show the pinned seed, or none."""
        recipe = self._session.recipe
        text = "" if recipe.new_seeds else str(recipe.sampling.seed)
        if self.edit.text() != text:
            self.edit.setText(text)
        self.pin.setChecked(not recipe.new_seeds)
        self.refused.emit("")

    def _take(self, text: str) -> None:
        if not text:
            return
        try:
            self._session.set_seed(int(text))
        except SettingsError as error:
            self.refused.emit(str(error))

    def _set_pinned(self, pinned: bool) -> None:
        run = self._session.runs.current
        shown = run.recipe.sampling.seed if run else new_seed()
        self._session.set_seed(shown if pinned else None)
