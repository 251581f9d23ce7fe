"""Edit menu: undo and redo, the clipboard, and finding words in the texts."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from shiboken6 import isValid

from app.ui.history.exporting import copy_shown
from app.ui.menus.menu import SessionMenu
from app.ui.state.session import Session
from app.ui.text.find_bar import FindBar
from app.ui.text.transcript_edit import TranscriptText

_Field = QLineEdit | QPlainTextEdit | QTextEdit


class EditMenu(SessionMenu):
    """Menu for the text field with the focus, and for changes of the recipe.

    Undo and redo are for what was typed in the field, or else for the recipe. Actions without a
    field are disabled, so that tables can have the same keys.
    """

    def __init__(self, session: Session, window: QWidget, find_bar: FindBar) -> None:
        super().__init__(session, window)
        self._focused: _Field | None = None
        self.setTitle(self.tr("&Edit"))
        keys = QKeySequence.StandardKey
        self._undo = self.add(self.tr("&Undo"), self._undo_last, keys.Undo)
        self._redo = self.add(self.tr("&Redo"), self._redo_last, keys.Redo)
        self.addSeparator()
        self._cut = self.add(self.tr("Cu&t"), lambda: self._edit("cut"), keys.Cut)
        self._copy = self.add(self.tr("&Copy"), lambda: self._edit("copy"), keys.Copy)
        self._paste = self.add(self.tr("&Paste"), lambda: self._edit("paste"), keys.Paste)
        self._all = self.add(
            self.tr("Select &all"), lambda: self._edit("selectAll"), keys.SelectAll
        )
        self.addSeparator()
        self.add(self.tr("&Find …"), find_bar.enter, keys.Find)
        self._next = self.add(self.tr("Find &next"), lambda: find_bar.step(1), "F3")
        self._previous = self.add(self.tr("Find pre&vious"), lambda: find_bar.step(-1), "Shift+F3")
        self.addSeparator()
        self._table = self.add(
            self.tr("Copy as &Markdown table"),
            lambda: copy_shown(session, "markdown"),
            "Ctrl+Shift+C",
            self.tr("The selected tokens with their numbers, or all of them (Ctrl+Shift+C)"),
        )
        self.follow_run(self._update)
        session.undo_stack.indexChanged.connect(self._update)
        self.aboutToShow.connect(self._update)
        QApplication.instance().focusChanged.connect(self._on_focus)  # type: ignore[union-attr]
        self._update()

    # The field

    def _on_focus(self, _: QWidget | None, focused: QWidget | None) -> None:
        if focused is None or isinstance(focused, QMenu | QMenuBar):
            return  # a menu is open, or another program is used
        if isinstance(focused, QAbstractSpinBox):
            focused = focused.lineEdit()
        here = isinstance(focused, _Field) and focused.window() is self._window
        self._focused = focused if here and isinstance(focused, _Field) else None
        self._update()

    @property
    def _field(self) -> _Field | None:
        return self._focused if self._focused is not None and isValid(self._focused) else None

    def _edit(self, name: str) -> None:
        field = self._field
        if isinstance(field, TranscriptText) and name == "copy":
            field.copy_chosen()  # a selected range as well
        elif field is not None:
            getattr(field, name)()

    def _undo_last(self) -> None:
        field = self._field
        if field is not None and _can_undo(field):
            field.undo()
        else:
            self._session.undo_stack.undo()

    def _redo_last(self) -> None:
        field = self._field
        if field is not None and _can_redo(field):
            field.redo()
        else:
            self._session.undo_stack.redo()

    # Updates

    def _update(self) -> None:
        run, field, stack = self._session.runs.current, self._field, self._session.undo_stack
        if not isValid(stack):
            return  # the stack announces its last change while it is deleted
        self._table.setEnabled(run is not None and bool(run.tokens))
        typed = field is not None and _can_undo(field)
        self._undo.setEnabled(typed or stack.canUndo())
        what = self.tr("typing") if typed else stack.undoText()
        self._undo.setText(self.tr("&Undo {0}").format(what) if what else self.tr("&Undo"))
        typed = field is not None and _can_redo(field)
        self._redo.setEnabled(typed or stack.canRedo())
        what = self.tr("typing") if typed else stack.redoText()
        self._redo.setText(self.tr("&Redo {0}").format(what) if what else self.tr("&Redo"))
        editable = field is not None and not field.isReadOnly()
        for action in (self._cut, self._paste):
            action.setEnabled(editable)
        for action in (self._copy, self._all):
            action.setEnabled(field is not None)


def _can_undo(field: _Field) -> bool:
    if isinstance(field, QLineEdit):
        return field.isUndoAvailable()
    return not field.isReadOnly() and field.document().isUndoAvailable()


def _can_redo(field: _Field) -> bool:
    if isinstance(field, QLineEdit):
        return field.isRedoAvailable()
    return not field.isReadOnly() and field.document().isRedoAvailable()
