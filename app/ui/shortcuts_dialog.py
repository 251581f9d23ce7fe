"""Dialog of keyboard shortcuts: those of the menus, and the keys of views and dialogs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import SPACE
from app.ui.view_keys import View, ViewKey

_COLUMNS = 3
_FRAME = 96
"""Height of the screen in pixels that the dialog leaves free."""


@dataclass(frozen=True)
class _Entry:
    """What keys do, and the keys as they are shown."""

    text: str
    keys: str


@dataclass(frozen=True)
class _Section:
    """A menu, a view or a dialog, and its entries."""

    title: str
    entries: Sequence[_Entry]


class ShortcutsDialog(QDialog):
    """Dialog with a section for each menu, view and dialog, in columns of similar height.

    Scrolls if necessary. What is typed above hides what does not contain it.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Find an action, a key or a view"))
        self.filter.setAccessibleName(self.filter.placeholderText())
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._apply_filter)
        self._rows: list[tuple[QLabel, list[tuple[_Entry, QLabel, QLabel]]]] = []
        """The heading of each section, and its entries with their labels."""
        self._none = QLabel(self.tr("No key does that."))
        self._none.setProperty("role", "caption")
        self._none.hide()
        page = QWidget()
        columns = QHBoxLayout(page)
        columns.setContentsMargins(0, 0, SPACE, 0)
        columns.setSpacing(4 * SPACE)
        for column in _balanced([*_of_menus(window), *_of_views()], _COLUMNS):
            columns.addLayout(self._make_column(column))
        self._area = QScrollArea()
        self._area.setWidget(page)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self.filter)
        layout.addWidget(self._none)
        layout.addWidget(self._area, 1)
        layout.addWidget(buttons)
        room = self.screen().availableSize()
        wanted = page.sizeHint()
        around = self.filter.sizeHint().height() + buttons.sizeHint().height() + 9 * SPACE
        self.resize(
            min(wanted.width() + 6 * SPACE, room.width() - SPACE),
            min(wanted.height() + around, room.height() - _FRAME),
        )

    def _make_column(self, sections: Sequence[_Section]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        row = 0
        for section in sections:
            heading = QLabel(section.title)
            heading.setProperty("role", "section")
            heading.setContentsMargins(0, SPACE if row else 0, 0, 0)
            grid.addWidget(heading, row, 0, 1, 2)
            labels = []
            for entry in section.entries:
                row += 1
                text, keys = QLabel(entry.text), QLabel(entry.keys)
                keys.setProperty("role", "caption")
                grid.addWidget(text, row, 0)
                grid.addWidget(keys, row, 1)
                labels.append((entry, text, keys))
            self._rows.append((heading, labels))
            row += 1
        grid.setRowStretch(row, 1)
        return grid

    def _apply_filter(self, typed: str) -> None:
        """Show the entries that contain what was typed, or all of a section that does."""
        wanted = typed.strip().casefold()
        found = False
        for heading, labels in self._rows:
            whole = wanted in heading.text().casefold()
            any_shown = False
            for entry, *both in labels:
                shown = whole or wanted in f"{entry.text}\n{entry.keys}".casefold()
                any_shown = any_shown or shown
                for label in both:
                    label.setVisible(shown)
            heading.setVisible(any_shown)
            found = found or any_shown
        self._none.setHidden(found)
        self._area.verticalScrollBar().setValue(0)


def _of_menus(window: QMainWindow) -> Iterator[_Section]:
    """The actions with keys of each menu, including its submenus."""
    for entry in window.menuBar().actions():
        menu = entry.menu()
        if isinstance(menu, QMenu) and (entries := list(_with_keys(menu))):
            yield _Section(_plain(menu.title()), entries)


def _with_keys(menu: QMenu) -> Iterator[_Entry]:
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from _with_keys(below)
        elif keys := action.shortcuts():
            yield _Entry(_plain(action.text()).removesuffix(" …"), _shown(keys))


def _of_views() -> Iterator[_Section]:
    """The keys of each view and dialog."""
    for view in View:
        yield _Section(
            view.title, [_Entry(key.text, _shown(key.keys)) for key in ViewKey if key.view is view]
        )


def _balanced(sections: Sequence[_Section], count: int) -> list[list[_Section]]:
    """Divide the sections, in order, into at most ``count`` columns of minimal height."""
    heights = [len(section.entries) + 2 for section in sections]
    limit = max(heights, default=0)
    while True:
        columns: list[list[_Section]] = [[]]
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


def _shown(keys: Sequence[QKeySequence]) -> str:
    """The keys as they are written on a keyboard, where both keys for Enter are one.

    Two named keys with the same modifiers have them once: ``Shift+Left / Right``.
    """
    enter = (QKeySequence(key.toString().replace("Return", "Enter")) for key in keys)
    texts = list(dict.fromkeys(key.toString(key.SequenceFormat.NativeText) for key in enter))
    modifiers, names = zip(*(text.rpartition("+")[::2] for text in texts), strict=True)
    if len(set(modifiers)) == 1 and all(name.isalpha() for name in names):
        texts[1:] = names[1:]
    return " / ".join(texts)


def _plain(text: str) -> str:
    """A label without its mnemonic: ``&File``, or ``파일(&F)`` in Korean."""
    text = re.sub(r"\(&[^&]\)", "", text)
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")
