"""A list of models for one role, with a line below each that says why it suits or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.partners import Misfit, Partner
from app.ui.recipe.recipe_delegate import CAPTION_ROLE, HEADING_ROLE, RecipeDelegate
from app.ui.widgets.plain_tip import plain_tip

_CANDIDATE_ROLE = Qt.ItemDataRole.UserRole + 3
_WIDTH, _HEIGHT = 220, 120

_Index = QModelIndex | QPersistentModelIndex
Candidate = LocalModel | Partner | Misfit


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A row of the list: a model, or a heading if ``candidate`` is None."""

    title: str
    about: str = ""
    candidate: Candidate | None = None

    @property
    def source(self) -> str:
        """The source of the model; empty for a heading."""
        return model_of(self.candidate).source if self.candidate else ""


class CandidateList(QListView):
    """Chooses one of the models of a role with the mouse or the arrow keys."""

    chosen = Signal(object)
    """The user chose this candidate."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items = QStandardItemModel(self)
        self._rows: tuple[CandidateRow, ...] = ()
        self._source = ""
        self.setModel(self._items)
        self.setItemDelegate(RecipeDelegate(self))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setProperty("role", "framed")
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(_WIDTH, _HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(_WIDTH // 2, _HEIGHT)

    def show_rows(self, rows: Sequence[CandidateRow], source: str) -> None:
        """Show ``rows`` and select the model with this source, without a signal."""
        rows = tuple(rows)
        if (rows, source) == (self._rows, self._source):
            return
        with QSignalBlocker(self):  # the current row changes with every row that is removed
            if rows != self._rows:
                self._rows = rows
                self._items.clear()
                for row in rows:
                    self._items.appendRow(_item(row))
            place = next((i for i, row in enumerate(rows) if row.source == source), -1)
            chosen = self._items.index(place, 0) if place >= 0 and source else QModelIndex()
            self.setCurrentIndex(chosen)
        self._source = source

    def currentChanged(  # noqa: N802 — Qt's name
        self, current: _Index, previous: _Index
    ) -> None:
        super().currentChanged(current, previous)
        candidate = current.data(_CANDIDATE_ROLE)
        if candidate is not None and model_of(candidate).source != self._source:
            self._source = model_of(candidate).source
            self.chosen.emit(candidate)


def model_of(candidate: Candidate) -> LocalModel:
    """The model of a candidate."""
    return candidate if isinstance(candidate, LocalModel) else candidate.model


def _item(row: CandidateRow) -> QStandardItem:
    item = QStandardItem(row.title)
    if row.candidate is None:
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setData(True, HEADING_ROLE)
        return item
    item.setData(row.about, CAPTION_ROLE)
    item.setData(row.candidate, _CANDIDATE_ROLE)
    place = model_of(row.candidate).folder
    item.setToolTip(plain_tip("\n".join([row.title, row.about, str(place)])))
    item.setData(row.about, Qt.ItemDataRole.AccessibleDescriptionRole)
    return item
