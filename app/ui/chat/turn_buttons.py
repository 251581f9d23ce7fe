"""Small buttons of a turn, which the keyboard reaches through the Conversation menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from app.ui.theme import SMALL


class TurnButtons(QWidget):
    """A row of flat buttons of small text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self._quiet: list[QToolButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # never too wide
        self._row.setSpacing(0)

    def add(
        self, text: str, slot: Callable[[], object], tip: str = "", *, quiet: bool = True
    ) -> QToolButton:
        """Append a button; a ``quiet`` one is shown only by :meth:`show_all`."""
        button = QToolButton()
        button.setText(text)
        button.setFont(self.font())
        button.setProperty("role", "flat")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(tip)
        button.clicked.connect(lambda: slot())
        self._row.addWidget(button)
        if quiet:
            self._quiet.append(button)
        self.setMinimumHeight(button.sizeHint().height())
        return button

    def add_menu(self, name: str) -> QMenu:
        """Append a button that opens a menu, for what is done rarely."""
        button = self.add("⋯", lambda: None, name)
        menu = QMenu(button)
        button.setAccessibleName(name)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(menu)
        return menu

    def show_all(self, shown: bool, but: QToolButton | None = None) -> None:
        """Show or hide the quiet buttons, ``but`` excepted, which stays hidden."""
        for button in self._quiet:
            button.setVisible(shown and button is not but)

    def add_label(self) -> QLabel:
        """Append a caption."""
        label = QLabel()
        label.setFont(self.font())
        label.setProperty("role", "caption")
        self._row.addWidget(label)
        return label

    def add_stretch(self) -> None:
        """Put what follows at the right."""
        self._row.addStretch(1)
