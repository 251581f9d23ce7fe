"""Bar that finds words in the text, in the conversation or in the prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from app.ui.text.text_matches import Match, SearchedText, find_matches
from app.ui.theme import SPACE


class _Field(QLineEdit):
    """Field whose Escape, Enter and Shift+Enter belong to the bar."""

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()  # before the window's Stop
            return True
        return super().event(event)


class FindBar(QFrame):
    """Field with the number of matches, next, previous and close; Escape closes it.

    Args:
        texts: Returns the texts to search. It gets the widget that had the focus when the bar was
            opened, so that the prompt is searched from within the prompt.
    """

    def __init__(
        self,
        texts: Callable[[QWidget | None], Sequence[SearchedText]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._texts = texts
        self._before: QWidget | None = None
        self._shown: Match | None = None
        self.setProperty("role", "card")
        self.field = _Field()
        self.field.setPlaceholderText(self.tr("Find"))
        self.field.setAccessibleName(self.tr("Find"))
        self.field.textChanged.connect(self._on_typed)
        self.count = QLabel()
        self.count.setProperty("role", "caption")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE // 2, SPACE // 2, SPACE // 2)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.field, 1)
        layout.addWidget(self.count)
        self._buttons = [
            self._add_button("‹", self.tr("Previous match (Shift+Enter)"), lambda: self.step(-1)),
            self._add_button("›", self.tr("Next match (Enter)"), lambda: self.step(1)),
        ]
        self._add_button("✕", self.tr("Close (Esc)"), self.leave)
        self.hide()

    def _add_button(self, text: str, name: str, slot: Callable[[], None]) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setProperty("role", "flat")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.clicked.connect(lambda: slot())
        self.layout().addWidget(button)  # type: ignore[union-attr]
        return button

    # Opening and closing

    def enter(self) -> None:
        """Open the bar, or go to its field."""
        focused = QApplication.focusWidget()
        if focused is not None and not self.isAncestorOf(focused):
            self._before = focused
        self.show()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self._on_typed()

    def leave(self) -> None:
        """Close the bar; the last match stays selected."""
        self.hide()
        self._shown = None
        if self._before is not None and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.OtherFocusReason)
        self._before = None

    # Matches

    def _found(self) -> list[Match]:
        return find_matches(self._texts(self._before), self.field.text())

    def _on_typed(self) -> None:
        """Show the first match from the shown one on."""
        found = self._found()
        at = self._shown
        later = [place for place, match in enumerate(found) if at and _is_at_or_after(match, at)]
        self._show(found, later[0] if later else 0)

    def step(self, by: int) -> None:
        """Show the next (1) or previous (−1) match, round and round."""
        if self.isHidden():
            self.enter()
            return
        found = self._found()
        place = found.index(self._shown) + by if self._shown in found else 0
        self._show(found, place % len(found) if found else 0)

    def _show(self, found: Sequence[Match], place: int) -> None:
        if self._shown and (not found or self._shown.text.widget is not found[place].text.widget):
            self._shown.unselect()
        self._shown = found[place] if found else None
        if self._shown:
            self._shown.show()
            self.count.setText(self.tr("{0} of {1}").format(place + 1, len(found)))
        else:
            self.count.setText(self.tr("not found") if self.field.text() else "")
        for button in self._buttons:
            button.setEnabled(bool(found))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self.step(-1 if shift else 1)
        else:
            super().keyPressEvent(event)


def _is_at_or_after(match: Match, other: Match) -> bool:
    return match.text.widget is other.text.widget and match.start >= other.start
