"""Menus of tints and groupings, used in the menu bar and beside the legend."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app.attribution.measures import Measure
from app.attribution.tint_scale import Tint
from app.ui.state.runs.token_groups import Grouping
from app.ui.state.session import Session
from app.ui.text.tint_scale_menu import ScaleOfTint, TintScaleMenu
from app.ui.text.tint_words import grouping_title, tint_explanation, tint_title, tints
from app.wording import menu_text

_KEYS = 9


def shown_pairs(session: Session) -> tuple[str, ...]:
    """The pairs of the shown run, or of the recipe while there is no run."""
    run = session.runs.current
    return run.pair_names if run else tuple(pair.name for pair in session.recipe.pairs)


class TintMenu(QMenu):
    """Menu of the measures that tokens can be coloured by.

    Measures that the shown run does not have are disabled.

    Args:
        keys: Whether the actions have shortcuts; only one of several such menus may have them.
    """

    def __init__(self, session: Session, parent: QWidget, *, keys: bool = False) -> None:
        super().__init__(parent)
        self._session = session
        self._keys = keys
        self._pairs: tuple[str, ...] | None = None
        self._group = QActionGroup(self)
        self._actions: list[tuple[QAction, Tint]] = []
        self.setTitle(self.tr("&Tint"))
        self.setToolTipsVisible(True)
        self._end = self.addSeparator()
        self._next_pair = self.addAction(self.tr("Contribution of the &next pair"))
        self._next_pair.triggered.connect(self._choose_next_pair)
        if keys:
            self._next_pair.setShortcut(QKeySequence("Alt+0"))
        self.addMenu(TintScaleMenu(ScaleOfTint(session.display, self._chosen), self))
        session.display.tint_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        recipe = tuple(pair.name for pair in self._session.recipe.pairs)
        pairs = shown_pairs(self._session)
        if self._pairs != (pairs or recipe):
            self._pairs = pairs or recipe
            self._make(self._pairs)
        chosen = self._chosen()
        for action, tint in self._actions:
            unit = self._session.display.unit_of(tint.measure)
            action.setToolTip(tint_explanation(tint.measure, unit, alone=not pairs))
            action.setEnabled(tint.of(len(pairs)) == tint)
            action.setChecked(tint == chosen)
        self._next_pair.setEnabled(bool(pairs))

    def _choose_next_pair(self) -> None:
        chosen, pairs = self._chosen(), len(shown_pairs(self._session))
        pair = (chosen.pair + 1) % pairs if chosen.measure is Measure.CONTRIBUTION else 0
        self._session.display.set_tint(Tint(Measure.CONTRIBUTION, pair))

    def _chosen(self) -> Tint:
        return self._session.display.tint.of(len(shown_pairs(self._session)))

    def _make(self, pairs: tuple[str, ...]) -> None:
        for action, _ in self._actions:
            self._group.removeAction(action)
            self.removeAction(action)
            action.deleteLater()
        self._actions = []
        for place, tint in enumerate(tints(pairs), 1):
            action = QAction(menu_text(tint_title(tint, pairs)), self)
            self.insertAction(self._end, action)
            action.setCheckable(True)
            if self._keys and place <= _KEYS:
                action.setShortcut(QKeySequence(f"Alt+{place}"))
            action.triggered.connect(self._setter(tint))
            self._group.addAction(action)
            self._actions.append((action, tint))

    def _setter(self, tint: Tint) -> Callable[[], None]:
        return lambda: self._session.display.set_tint(tint)


class GroupingMenu(QMenu):
    """Menu of the groupings: tokens are coloured and selected one by one or in groups."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self.setTitle(self.tr("&Group"))
        group = QActionGroup(self)
        self._actions: dict[Grouping, QAction] = {}
        for grouping in Grouping:
            action = self._actions[grouping] = self.addAction(grouping_title(grouping))
            action.setCheckable(True)
            action.triggered.connect(self._setter(grouping))
            group.addAction(action)
        session.display.tint_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        self._actions[self._session.display.grouping].setChecked(True)

    def _setter(self, grouping: Grouping) -> Callable[[], None]:
        return lambda: self._session.display.set_grouping(grouping)


class MenuButton(QToolButton):
    """Flat button that shows the current choice and opens a menu of all choices.

    Args:
        menu: The menu of choices.
        name: Name of the setting, for screen readers.
    """

    def __init__(self, menu: QMenu, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setProperty("role", "choice")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(menu)
        menu.setParent(self, menu.windowFlags())

    def show_choice(self, text: str, about: str = "") -> None:
        """Show ``text`` as the current choice; ``about`` is its tool tip."""
        self.setText(self.tr("{0} ▾").format(menu_text(text)))
        self.setToolTip(about)
        self.setAccessibleName(self.tr("{0}: {1}").format(self._name, text))
        self.setAccessibleDescription(about)
