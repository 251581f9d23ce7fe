"""A hint: a sentence that explains what is above it, with a button that dismisses it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from app.ui.state.hints import Hint, Hints
from app.ui.theme import SPACE
from app.ui.translation import translate


class HintLabel(QFrame):
    """Shows ``text`` while its hint is not dismissed, is wanted, and has room."""

    def __init__(self, hints: Hints, hint: Hint, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hints = hints
        self._hint = hint
        self._wanted = True
        self._has_room = True
        self.setProperty("role", "hint")
        self._text = QLabel(text)
        self._text.setProperty("role", "hint")
        self._text.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)  # a new policy has forgotten that the text wraps
        self._text.setSizePolicy(policy)
        self._button = button = QToolButton()
        button.setText("×")
        button.setProperty("role", "hint")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setToolTip(
            translate("HintLabel", "Dismiss this hint. Help → Hints shows all of them again.")
        )
        button.clicked.connect(lambda: hints.dismiss(hint))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE // 4, SPACE // 4, SPACE // 4)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._text, 1)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        hints.changed.connect(self._update)
        self.set_text(text)
        self._update()

    def set_wanted(self, wanted: bool) -> None:
        """Hide the hint while what it explains is not there."""
        self._wanted = wanted
        self._update()

    def set_has_room(self, has_room: bool) -> None:
        """Hide the hint while there is no room for it."""
        self._has_room = has_room
        self._update()

    def set_text(self, text: str) -> None:
        """Replace the sentence."""
        self._text.setText(text)
        self._button.setAccessibleName(translate("HintLabel", "Dismiss: {0}").format(text))
        self._need_all_lines()

    def _update(self) -> None:
        wanted = self._wanted and self._has_room
        self.setVisible(wanted and self._hints.is_shown(self._hint))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._need_all_lines()

    def _need_all_lines(self) -> None:
        """Make the height of all lines the minimum, since a splitter ignores that text wraps."""
        self._text.setMinimumHeight(0)  # a label does not ask for less than its minimum
        lines = self._text.heightForWidth(self._text.width())
        self._text.setMinimumHeight(max(lines, 0))  # −1 without a text
