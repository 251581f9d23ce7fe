"""Tab order of a window, from the structure of its layouts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QGridLayout,
    QLayout,
    QMainWindow,
    QScrollArea,
    QWidget,
)

_TAB = Qt.FocusPolicy.TabFocus


class OrderedDialog(QDialog):
    """Dialog whose tab order is that of its layout, also for widgets that are added later."""

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 — Qt's name
        return move_focus(self, forward=forward)


def tab_stops(root: QWidget) -> list[QWidget]:
    """The widgets of ``root`` that Tab reaches, in the order in which they are laid out."""
    return [widget for widget in _in_order(root) if _takes_tab(widget, root)]


def move_focus(window: QWidget, *, forward: bool) -> bool:
    """Move the keyboard focus to the next or previous tab stop of ``window``, round and round.

    Qt's own order is that in which widgets were created, which is scrambled by widgets that are
    created later. This order is found anew for each key.

    Returns:
        Whether there is a tab stop.
    """
    at = window.focusWidget()
    order = [widget for widget in _in_order(window) if widget is at or _takes_tab(widget, window)]
    place = order.index(at) if at in order else (-1 if forward else 0)
    if len(order) <= (at in order):
        return at in order and _takes_tab(order[0], window)
    following = order[(place + (1 if forward else -1)) % len(order)]
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    following.setFocus(reason)
    _scroll_to(following)
    return True


def _takes_tab(widget: QWidget, root: QWidget) -> bool:
    return (
        widget.focusPolicy() & _TAB == _TAB
        and not _is_beside_the_checked(widget)
        and widget.focusProxy() is None
        and widget.isEnabled()
        and widget.isVisibleTo(root)
    )


def _is_beside_the_checked(widget: QWidget) -> bool:
    """Whether the arrow keys lead to this button from the checked one of its group."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    if group is None or not group.exclusive():
        return False
    checked = group.checkedButton()
    return checked is not None and checked is not widget


def _in_order(widget: QWidget) -> Iterator[QWidget]:
    """``widget`` and the widgets in it, depth first."""
    yield widget
    for child in _children(widget):
        yield from _in_order(child)


def _children(widget: QWidget) -> list[QWidget]:
    """The visible children: those of the layout, in its order, and then the others by place."""
    children = [
        child
        for child in widget.children()
        if isinstance(child, QWidget) and not child.isWindow() and not child.isHidden()
    ]
    layout = None if isinstance(widget, QMainWindow) else widget.layout()
    laid_out = dict.fromkeys(_items(layout, children)) if layout else {}
    others = [child for child in children if child not in laid_out]
    others.sort(key=lambda child: (child.y(), child.x()))
    return [*laid_out, *others]


def _items(layout: QLayout, children: Sequence[QWidget]) -> Iterator[QWidget]:
    """Those of ``children`` that are in a layout or the layouts in it; a grid row by row.

    The items of the layout are not asked for: PySide makes an item the owner of its widget, whose
    Python object becomes invalid as soon as that of the item is gone.
    """
    found: list[tuple[int, QWidget | QLayout]] = [
        (layout.indexOf(child), child) for child in children
    ]
    inner = [child for child in layout.children() if isinstance(child, QLayout)]
    found += [(layout.indexOf(item), item) for item in inner]
    found = [(place, item) for place, item in found if place >= 0]
    if isinstance(layout, QGridLayout):
        found.sort(key=lambda entry: layout.getItemPosition(entry[0])[:2])  # type: ignore[index]
    else:
        found.sort(key=lambda entry: entry[0])
    for _, item in found:
        if isinstance(item, QLayout):
            yield from _items(item, children)
        else:
            yield item


def _scroll_to(widget: QWidget) -> None:
    """Scroll every area around ``widget`` so that it is visible."""
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(widget)
        around = around.parentWidget()
