"""Menu of the columns that the table of candidates has."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QTableView

from app.ui.inspector.candidate_model import (
    BASE_GROUP,
    EXTRA_GROUPS,
    IDS_GROUP,
    LOGITS_GROUP,
    LOGS_GROUP,
    RANKS_GROUP,
    ROLES_GROUP,
    SHARES_GROUP,
)
from app.ui.state.display import Display


class ColumnsMenu(QMenu):
    """Shows and hides columns; also the context menu of the header.

    Args:
        display: Remembers the choice.
        table: The table.
    """

    def __init__(self, display: Display, table: QTableView) -> None:
        super().__init__(table)
        self._display = display
        self.setTitle(self.tr("Columns"))
        for group, title in (
            (IDS_GROUP, self.tr("Token id")),
            (BASE_GROUP, self.tr("Probability under the base")),
            (SHARES_GROUP, self.tr("Contribution of each pair")),
            (ROLES_GROUP, self.tr("Probabilities under experts and anti-experts")),
            (RANKS_GROUP, self.tr("Ranks")),
            (LOGS_GROUP, self.tr("Log-probabilities")),
            (LOGITS_GROUP, self.tr("Logits")),
        ):
            action = self.addAction(title)
            action.setCheckable(True)
            action.setData(group)
            action.triggered.connect(lambda _, key=group: display.toggle_candidate_column(key))
        self.aboutToShow.connect(self._check)
        header = table.horizontalHeader()
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._open_at)
        self._header = header

    def _open_at(self, place: QPoint) -> None:
        self.popup(self._header.mapToGlobal(place))

    def _check(self) -> None:
        for action in self.actions():
            group = action.data()
            toggled = group in self._display.candidate_columns
            action.setChecked(toggled == (group in EXTRA_GROUPS))
