"""The dialog of downloaded models: lists their sizes and last use, and deletes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QDateTime,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints import hub
from app.errors import TuneshiftError
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.message_label import MessageLabel
from app.ui.widgets.row_table import TitledModel, make_table
from app.wording import size

_SIZE = QSize(680, 440)
_Index = QModelIndex | QPersistentModelIndex


class CachedModels(TitledModel):
    """Table model with one row for each downloaded revision."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._models: list[hub.CachedModel] = []
        titles = (
            self.tr("model"),
            self.tr("revision"),
            self.tr("state"),
            self.tr("last used"),
            self.tr("size"),
        )
        self.set_columns(titles, (4,))

    def show(self, models: Sequence[hub.CachedModel]) -> None:
        """Replace the rows by ``models``."""
        self.beginResetModel()
        self._models = list(models)
        self.endResetModel()

    def model(self, row: int) -> hub.CachedModel:
        """The model in a row."""
        return self._models[row]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else len(self._models)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        model = self._models[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cells(model)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tr("{0}, commit {1} on the Hub").format(model.id, model.commit[:7])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
        return None

    def _cells(self, model: hub.CachedModel) -> tuple[str, ...]:
        used = QDateTime.fromSecsSinceEpoch(int(model.last_used))
        return (
            model.id,
            ", ".join(model.names) or model.commit[:7],
            self.tr("complete") if model.complete else self.tr("incomplete"),
            QLocale().toString(used.date(), QLocale.FormatType.ShortFormat),
            size(model.size),
        )


class CacheDialog(QDialog):
    """Lists downloaded models; deletes the selected ones after a confirmation."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._error: TuneshiftError | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Downloaded models"))
        self.resize(_SIZE)
        self.models = CachedModels(self)
        self.table = make_table(self.models, self.tr("Downloaded models"))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.message = MessageLabel()
        self.delete = QPushButton()
        self.close_button = QPushButton(self.tr("Close"))
        self.close_button.setDefault(True)
        self.delete.setAutoDefault(False)
        self._lay_out()
        self.table.selectionModel().selectionChanged.connect(self._update)
        self.delete.clicked.connect(self._confirm)
        self.close_button.clicked.connect(self.close)
        session.downloads.changed.connect(self._update)
        session.downloads.finished.connect(self._list)
        self._update()
        self._list()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.delete)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + 4)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.message)
        layout.addLayout(buttons)

    def _list(self) -> None:
        def read() -> tuple[list[hub.CachedModel], int, str]:
            return hub.cached_models(), hub.free_disk(), str(hub.cache_folder())

        self._session.downloads.ask(self, read, self._show, self._show_error)

    def _show(self, answer: tuple[list[hub.CachedModel], int, str]) -> None:
        models, free, folder = answer
        self.models.show(models)
        total = size(sum(model.size for model in models))
        text = self.tr("{0} in total, {1} free on disk. Folder: {2}, shared with other programs.")
        self.message.show_message(text.format(total, size(free), folder))
        if self._error:
            self._show_error(self._error)
            self._error = None
        self._update()

    def _on_deleted(self, freed: int) -> None:
        self._list()

    def _show_error(self, error: TuneshiftError) -> None:
        self.message.show_message(str(error), "error")

    def _on_not_deleted(self, error: TuneshiftError) -> None:
        self._error = error  # shown with the list of remaining models
        self._list()

    def _chosen(self) -> list[hub.CachedModel]:
        return [self.models.model(i.row()) for i in self.table.selectionModel().selectedRows()]

    def _update(self) -> None:
        chosen, busy = self._chosen(), self._session.downloads.active
        text = self.tr("Delete …")
        if chosen:
            text = self.tr("Delete {0} …").format(size(sum(model.size for model in chosen)))
        self.delete.setText(text)
        self.delete.setEnabled(bool(chosen) and not busy)
        self.delete.setToolTip(
            self.tr("Models cannot be deleted during a download.") if busy else ""
        )

    def _confirm(self) -> None:
        chosen = self._chosen()
        names = "\n".join(f"{model.id} ({size(model.size)})" for model in chosen)
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle(self.tr("Delete models"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(self.tr("Delete from this machine?"))
        used = {hub.parse(source).repo for source in self._session.recipe.hub_sources()}
        warning = self.tr("The current recipe uses one of these models.")
        about = [names, warning] if used & {model.id for model in chosen} else [names]
        box.setInformativeText(
            "\n\n".join([*about, self.tr("To use them again, you must download them again.")])
        )
        delete = box.addButton(self.tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        keep = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        delete.clicked.connect(lambda: self._delete(chosen))
        box.open()

    def _delete(self, chosen: list[hub.CachedModel]) -> None:
        self.message.show_message(self.tr("Deleting …"))
        self._session.downloads.ask(
            self, lambda: hub.delete_cached(chosen), self._on_deleted, self._on_not_deleted
        )
