"""Menu of the columns that the table of candidates has."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QTableView

from app.attribution.plot_parts import pair_part
from app.ui.inspector.candidate_model import (
    BASE_GROUP,
    EXTRA_GROUPS,
    IDS_GROUP,
    LOGITS_GROUP,
    LOGS_GROUP,
    RANKS_GROUP,
    ROLE_RANKS_GROUP,
    ROLES_GROUP,
    SHARES_GROUP,
)
from app.ui.state.display import Display
from app.wording import menu_text


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
            (ROLE_RANKS_GROUP, self.tr("Rank under each expert and anti-expert")),
            (LOGS_GROUP, self.tr("Log-probabilities")),
            (LOGITS_GROUP, self.tr("Logits")),
        ):
            self._add(group, title)
        self._pairs: list[QAction] = []
        self.aboutToShow.connect(self._check)
        header = table.horizontalHeader()
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._open_at)
        self._header = header

    def _add(self, key: str, title: str) -> QAction:
        action = self.addAction(title)
        action.setCheckable(True)
        action.setData(key)
        action.triggered.connect(lambda: self._display.toggle_candidate_column(key))
        return action

    def offer_pairs(self, names: Sequence[str]) -> None:
        """Offer to hide the columns of each of several pairs."""
        for action in self._pairs:
            self.removeAction(action)
            action.deleteLater()
        self._pairs = []
        if len(names) > 1:
            self._pairs.append(self.addSeparator())
            for name in names:
                title = self.tr("Columns of {0}").format(menu_text(name))
                self._pairs.append(self._add(pair_part(name), title))

    def _open_at(self, place: QPoint) -> None:
        self.popup(self._header.mapToGlobal(place))

    def _check(self) -> None:
        for action in self.actions():
            group = action.data()
            toggled = group in self._display.candidate_columns
            action.setChecked(toggled == (group in EXTRA_GROUPS))
