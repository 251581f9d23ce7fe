"""Files of the map of α: its numbers as a table, and pictures of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QStandardPaths
from PySide6.QtGui import QGuiApplication, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QMenu, QWidget

from app.atomic_files import write_file
from app.errors import HistoryError
from app.ui.alpha_map.grid_values import GridValues
from app.ui.pictures import png_of
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.translation import translate
from app.ui.widgets.file_dialogs import ask_new_file, file_stem

_COLUMNS = ("probability", "entropy_bits", "argmax", "argmax_text", "changed", "estimated")


def map_table(
    ids: Sequence[int], texts: Sequence[str], labels: Sequence[str], values: GridValues, axis: str
) -> str:
    """The map as CSV: one row for each token at each α. Indices count from 0.

    Args:
        ids: The ids of the tokens of the run; ``texts`` are their texts.
        labels: The text of every id.
        values: The map; cells that are not known have no row.
        axis: The name of the column of α.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["index", "token_id", "text", axis, *_COLUMNS])
    writer.writerows(_rows(ids, texts, labels, values))
    return text.getvalue()


def _rows(
    ids: Sequence[int], texts: Sequence[str], labels: Sequence[str], values: GridValues
) -> Iterator[list[object]]:
    for index in range(min(len(ids), values.count)):
        for place in range(len(values.alphas)):
            cell = values.cell(index, place)
            if cell is not None:
                label = labels[cell.argmax] if cell.argmax < len(labels) else ""
                yield [
                    index,
                    ids[index],
                    texts[index],
                    f"{cell.alpha:.1f}",
                    cell.probability,
                    cell.entropy,
                    cell.argmax,
                    label,
                    cell.changed,
                    cell.estimated,
                ]


def map_svg(view: QWidget) -> bytes:
    """A picture of the map as SVG; its cells are an image in it."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(view.size())
    generator.setViewBox(view.rect())
    painter = QPainter(generator)
    view.render(painter, QPoint())
    painter.end()
    buffer.close()
    return bytes(content.data())


def map_png(view: QWidget) -> bytes:
    """A picture of the map as PNG."""
    return png_of(view.grab().toImage())


class MapFileMenu(QMenu):
    """Menu that copies or saves the map.

    Args:
        view: The widget with the map and its legend.
    """

    def __init__(self, session: Session, view: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._view = view
        self.run: Run | None = None
        self.values = GridValues(0)
        self.axis = ""
        """The name of the column of α in the table."""
        self.addAction(self.tr("Copy &picture"), self._copy)
        self.addAction(self.tr("Save as image (PNG) …"), partial(self._ask, "png"))
        self.addAction(self.tr("Save as vector graphics (SVG) …"), partial(self._ask, "svg"))
        self._table = self.addAction(self.tr("Save as a table (CSV) …"), partial(self._ask, "csv"))
        self.setToolTipsVisible(True)

    def set_complete(self, complete: bool) -> None:
        """Offer the table only if the whole map is computed: nothing in it says what is missing."""
        self._table.setEnabled(complete)
        waiting = self.tr("Available when the map is computed.")
        self._table.setToolTip("" if complete else waiting)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setPixmap(self._view.grab())

    def _ask(self, kind: str) -> None:
        if self.run is None:
            return
        places = QStandardPaths.StandardLocation
        folder = Path(QStandardPaths.writableLocation(places.DocumentsLocation))
        ask_new_file(
            self._view,
            self.tr("Save the map of α"),
            folder / f"{file_stem(self.run.name, 'alpha-map')}.{kind}",
            f"*.{kind}",
            lambda path: self.save(kind, Path(path)),
        )

    def save(self, kind: str, path: Path) -> None:
        """Write the map as ``png``, ``svg`` or ``csv``, the table on a background thread."""
        run, values, axis = self.run, self.values, self.axis
        if run is None:
            return
        picture = {"png": map_png, "svg": map_svg}.get(kind)
        drawn = picture(self._view) if picture else b""
        ids = run.token_ids
        texts = tuple(token.text for token in run.tokens)
        labels = run.labels
        failed = translate("Exporting", "The map cannot be written to {0}").format(path)

        def write() -> None:
            content = drawn or map_table(ids, texts, labels, values, axis).encode("utf-8")
            try:
                write_file(path, content)
            except OSError as error:
                raise HistoryError(failed, evidence=error.strerror or str(error)) from error

        session = self._session
        session.history.background.run(
            session, write, lambda _: session.saved.add(path), session.report
        )
