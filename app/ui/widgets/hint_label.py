"""A hint: a sentence that explains what is above it, with a button that dismisses it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from app.ui.state.hints import Hint, Hints
from app.ui.theme import SPACE


class HintLabel(QFrame):
    """Shows ``text`` while its hint is not dismissed and :meth:`set_wanted` does not hide it."""

    def __init__(self, hints: Hints, hint: Hint, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hints = hints
        self._hint = hint
        self._wanted = True
        self.setProperty("role", "hint")
        self._text = QLabel(text)
        self._text.setProperty("role", "hint")
        self._text.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)  # a new policy has forgotten that the text wraps
        self._text.setSizePolicy(policy)
        button = QToolButton()
        button.setText("×")
        button.setProperty("role", "hint")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setToolTip(self.tr("Dismiss this hint. Help → Hints shows all of them again."))
        button.setAccessibleName(self.tr("Dismiss: {0}").format(text))
        button.clicked.connect(lambda: hints.dismiss(hint))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE // 4, SPACE // 4, SPACE // 4)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._text, 1)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        hints.changed.connect(self._update)
        self._update()

    def set_wanted(self, wanted: bool) -> None:
        """Hide the hint while what it explains is not there."""
        self._wanted = wanted
        self._update()

    def _update(self) -> None:
        self.setVisible(self._wanted and self._hints.is_shown(self._hint))
