"""Button with a menu of presets: choose, save and delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QInputDialog, QMenu, QToolButton, QWidget

from app.errors import SettingsError
from app.ui.state.preset_file import delete_preset, presets_in, save_preset


class PresetButton(QToolButton):
    """Menu of the presets in one table of the file of presets.

    Args:
        table: The table.
        current: Returns what a new preset saves.
    """

    chosen = Signal(object)
    """A preset was chosen; what was saved."""
    failed = Signal(object)
    """The file of presets could not be written; the error."""

    def __init__(
        self, table: str, current: Callable[[], Any], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._table = table
        self._current = current
        self.setText(self.tr("Presets"))
        self.setProperty("role", "flat")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)

    def _fill(self) -> None:
        self._menu.clear()
        presets = presets_in(self._table)
        for name, value in presets.items():
            action = self._menu.addAction(_title(name))
            action.triggered.connect(lambda *_, saved=value: self.chosen.emit(saved))
        if presets:
            self._menu.addSeparator()
        self._menu.addAction(self.tr("Save as a preset …")).triggered.connect(self.ask_name)
        if presets:
            deleting = self._menu.addMenu(self.tr("Delete"))
            for name in presets:
                action = deleting.addAction(_title(name))
                action.triggered.connect(lambda *_, gone=name: self._delete(gone))

    def ask_name(self) -> QInputDialog:
        """Ask for the name of a new preset."""
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Save as a preset"))
        dialog.setLabelText(self.tr("Name of the preset; one with this name is replaced"))
        dialog.textValueSelected.connect(self._save)
        dialog.open()
        return dialog

    def _save(self, name: str) -> None:
        if name.strip():
            self._try(lambda: save_preset(self._table, name.strip(), self._current()))

    def _delete(self, name: str) -> None:
        self._try(lambda: delete_preset(self._table, name))

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except SettingsError as error:
            self.failed.emit(error)


def _title(name: str) -> str:
    return name.replace("&", "&&")
