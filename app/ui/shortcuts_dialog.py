"""Dialog of keyboard shortcuts: all actions of the menus with their keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import SPACE

_COLUMNS = 3
_FRAME = 96
"""Height of the screen in pixels that the dialog leaves free."""


class ShortcutsDialog(QDialog):
    """Dialog with a section for each menu, in columns of similar height; scrolls if necessary."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        page = QWidget()
        columns = QHBoxLayout(page)
        columns.setContentsMargins(0, 0, SPACE, 0)
        columns.setSpacing(4 * SPACE)
        sections = list(_sections(window))
        listed = {action for _, actions in sections for action in actions}
        others = [a for a in window.findChildren(QAction) if a.shortcuts() and a.text()]
        # Several panels have the same action, such as Copy: list it once.
        rest = {(a.text(), _keys(a)): a for a in others if a not in listed}
        if rest:
            sections.append((self.tr("In the panels"), list(rest.values())))
        for column in _balanced(sections, _COLUMNS):
            columns.addLayout(self._make_column(column))
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)
        room = self.screen().availableSize()
        wanted = page.sizeHint()
        self.resize(
            min(wanted.width() + 6 * SPACE, room.width() - SPACE),
            min(wanted.height() + buttons.sizeHint().height() + 7 * SPACE, room.height() - _FRAME),
        )

    def _make_column(self, sections: list[tuple[str, list[QAction]]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        row = 0
        for title, actions in sections:
            heading = QLabel(title)
            heading.setProperty("role", "section")
            if row:
                grid.setRowMinimumHeight(row, SPACE)
                row += 1
            grid.addWidget(heading, row, 0, 1, 2)
            for action in actions:
                row += 1
                grid.addWidget(QLabel(_plain(action.text()).removesuffix(" …")), row, 0)
                keys = QLabel(_keys(action))
                keys.setProperty("role", "caption")
                grid.addWidget(keys, row, 1)
            row += 1
        grid.setRowStretch(row, 1)
        return grid


def _sections(window: QMainWindow) -> Iterator[tuple[str, list[QAction]]]:
    """The title and the actions with keys of each menu, including its submenus."""
    for entry in window.menuBar().actions():
        menu = entry.menu()
        if isinstance(menu, QMenu) and (actions := list(_with_keys(menu))):
            yield _plain(menu.title()), actions


def _with_keys(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from _with_keys(below)
        elif action.shortcuts():
            yield action


def _balanced(
    sections: list[tuple[str, list[QAction]]], count: int
) -> list[list[tuple[str, list[QAction]]]]:
    """Divide the sections, in order, into at most ``count`` columns of minimal height."""
    heights = [len(actions) + 2 for _, actions in sections]
    limit = max(heights, default=0)
    while True:
        columns: list[list[tuple[str, list[QAction]]]] = [[]]
        height = 0
        for section, needed in zip(sections, heights, strict=True):
            if columns[-1] and height + needed > limit:
                columns.append([])
                height = 0
            columns[-1].append(section)
            height += needed
        if len(columns) <= count:
            return columns
        limit += 1


def _keys(action: QAction) -> str:
    keys = action.shortcuts()
    return " / ".join(key.toString(key.SequenceFormat.NativeText) for key in keys)


def _plain(text: str) -> str:
    """A label without its mnemonic: ``&File``, or ``파일(&F)`` in Korean."""
    text = re.sub(r"\(&[^&]\)", "", text)
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")
