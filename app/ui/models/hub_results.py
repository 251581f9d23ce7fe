"""The table of Hub models: the results of a search, or the downloaded models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt

from app.checkpoints import hub
from app.checkpoints.hub import CachedModel, HubHit, HubId
from app.ui.widgets.row_table import TitledModel
from app.ui.words.fit_words import fit_words
from app.wording import size

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class HubRow:
    """A Hub model with the facts from the search and from the cache.

    Attributes:
        adapter: Whether the downloaded model is a LoRA adapter.
    """

    id: HubId
    hit: HubHit | None = None
    cached: CachedModel | None = None
    adapter: bool = False

    @property
    def downloaded(self) -> bool:
        """Whether the model can be used without the network."""
        return self.cached is not None and self.cached.complete


def cached_rows() -> list[HubRow]:
    """The downloaded models; a revision without a name is named by its commit."""
    return [_cached_row(model) for model in hub.cached_models()]


def rows_of_hits(hits: Sequence[HubHit], cached: Sequence[HubRow]) -> list[HubRow]:
    """The results of a search in their order, each with its downloaded files."""
    here = {row.id: row for row in cached}
    found = [here.get(HubId(hit.id), HubRow(HubId(hit.id))) for hit in hits]
    return [replace(row, hit=hit) for row, hit in zip(found, hits, strict=True)]


def _cached_row(model: CachedModel) -> HubRow:
    named = "main" if "main" in model.names else next(iter(model.names), model.commit)
    folder = hub.cached_folder(HubId(model.id, model.commit))
    adapter = (
        folder is not None
        and (folder / "adapter_config.json").is_file()
        and not (folder / "config.json").is_file()
    )
    return HubRow(HubId(model.id, named), cached=model, adapter=adapter)


class HubResults(TitledModel):
    """Table model with one row for each Hub model.

    Args:
        memory: Bytes of memory of this machine, to say which models fit.
    """

    def __init__(self, memory: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._memory = memory
        self._rows: list[HubRow] = []
        titles = (
            self.tr("model"),
            self.tr("weights"),
            self.tr("memory"),
            self.tr("downloads"),
            self.tr("likes"),
            self.tr("access"),
            self.tr("downloaded"),
        )
        self.set_columns(titles, (1, 3, 4, 6))

    def show(self, rows: Sequence[HubRow]) -> None:
        """Replace the rows by ``rows``."""
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def row(self, index: int) -> HubRow:
        """The model in a row."""
        return self._rows[index]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._cells(row)[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
        return None

    def _cells(self, row: HubRow) -> tuple[str, ...]:
        hit, cached = row.hit, row.cached
        here = ""
        if cached:
            here = size(cached.size) if cached.complete else self.tr("incomplete")
        if hit is None:
            return (str(row.id), *self._weights(cached.size if cached else 0), "", "", "", here)
        access = self.tr("gated") if hit.gated else self.tr("open")
        counts = f"{hit.downloads:,}", f"{hit.likes:,}"
        return (hit.id, *self._weights(hit.size), *counts, access, here)

    def _weights(self, weights: int) -> tuple[str, str]:
        """Size of the weights, and whether they fit into the memory; empty if it is not known."""
        return (size(weights), fit_words(weights, self._memory)) if weights else ("", "")
