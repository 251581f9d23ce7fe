"""Test of the tab order in the panels of the right column."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.changes.changes_panel import ChangesPanel
from app.ui.inspector.inspector import Inspector
from app.ui.state.session import Session
from app.ui.summary.summary_panel import SummaryPanel


def focus_order(panel: QWidget) -> list[QWidget]:
    found, widget = [], panel.nextInFocusChain()
    while widget is not None and widget is not panel:
        takes_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        takes_tab = takes_tab and widget.focusProxy() is None
        if takes_tab and widget.isVisible() and panel.isAncestorOf(widget):
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


@pytest.mark.parametrize(("kind", "stops"), [(Inspector, 6), (ChangesPanel, 3), (SummaryPanel, 4)])
def test_tab_order_is_top_down_and_every_control_has_an_accessible_name(
    kind: type[Inspector | ChangesPanel | SummaryPanel],
    stops: int,
    finished_session: Session,
    qtbot: QtBot,
) -> None:
    panel = kind(finished_session)
    qtbot.addWidget(panel)
    panel.resize(340, 1200)
    panel.show()
    finished_session.selection.select(7)
    if isinstance(panel, SummaryPanel):
        qtbot.waitUntil(lambda: panel._tallies.waiting == 0)
    order = focus_order(panel)
    assert len(order) == stops
    places = [widget.mapTo(panel, QPoint(0, 0)) for widget in order]
    rows = [(place.y() // 8, place.x()) for place in places]
    assert rows == sorted(rows)
    for widget in order:
        assert widget.accessibleName() or getattr(widget, "text", str)()
