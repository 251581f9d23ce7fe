"""Conversion of table rows to text: tab-separated lines, or a Markdown table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, Qt

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")
"""Characters that Markdown interprets."""

_RIGHT = Qt.AlignmentFlag.AlignRight


def as_text(model: QAbstractItemModel, rows: Sequence[int]) -> str:
    """The rows below the headings, with tabs between the columns."""
    lines = [_titles(model), *(_cells(model, row) for row in rows)]
    return "\n".join("\t".join(cells) for cells in lines)


def as_markdown(model: QAbstractItemModel, rows: Sequence[int]) -> str:
    """The rows as a Markdown table; numbers stay aligned to the right."""
    columns = range(model.columnCount())
    rule = ["--:" if _at_right(model, column) else "---" for column in columns]
    lines = [_titles(model), *(_cells(model, row) for row in rows)]
    escaped = [[_SPECIAL.sub(r"\\\1", cell) for cell in cells] for cells in lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (escaped[0], rule, *escaped[1:]))


def as_csv(model: QAbstractItemModel, rows: Sequence[int], role: int, first: str, key: int) -> str:
    """The rows as CSV with a line of titles; numbers are written in full.

    Args:
        model: The model of the table.
        rows: The rows to write.
        role: The role of the numbers of cells, or of texts without marks.
        first: Title of a first column, of the keys of the rows.
        key: The role of the keys.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([first, *_titles(model)])
    columns = range(model.columnCount())
    for row in rows:
        cells = [model.index(row, column).data(role) for column in columns]
        writer.writerow([model.index(row, 0).data(key), *cells])
    return written.getvalue()


def _titles(model: QAbstractItemModel) -> list[str]:
    horizontal = Qt.Orientation.Horizontal
    return [str(model.headerData(i, horizontal) or "") for i in range(model.columnCount())]


def _cells(model: QAbstractItemModel, row: int) -> list[str]:
    return [str(model.index(row, i).data() or "") for i in range(model.columnCount())]


def _at_right(model: QAbstractItemModel, column: int) -> bool:
    alignment = model.headerData(
        column, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole
    )
    return alignment is not None and bool(Qt.AlignmentFlag(alignment) & _RIGHT)
