"""Pages of a stack."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy, QStackedLayout, QStackedWidget, QWidget


def show_page(stack: QStackedLayout | QStackedWidget, page: QWidget) -> None:
    """Show a page of a stack, which then is as high as this page needs, not the highest one."""
    stack.setCurrentWidget(page)
    for place in range(stack.count()):
        other = stack.widget(place)
        assert other is not None
        policy = other.sizePolicy()
        shown = QSizePolicy.Policy.Preferred if other is page else QSizePolicy.Policy.Ignored
        policy.setVerticalPolicy(shown)
        other.setSizePolicy(policy)
