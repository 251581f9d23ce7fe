"""Menu of the colour scale of the chosen tint: its unit, and where it saturates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from app.attribution.measures import Measure, Unit
from app.attribution.tint_scale import QUANTILE, USUAL, Tint, TintScale, unit_of
from app.ui.state.session import Session
from app.ui.text.tint import scale_of
from app.ui.theme import current_theme
from app.ui.widgets.exclusive_actions import add_exclusive
from app.ui.words.unit_words import unit_title

_LEAST, _MOST, _DIGITS = 0.001, 1e6, 3
"""Limits of a typed scale, and its decimals."""


class TintScaleMenu(QMenu):
    """Menu with the units that the tint has, and with a usual, an automatic or a typed scale.

    Args:
        chosen: Returns the tint of the shown run.
    """

    def __init__(self, session: Session, parent: QWidget, chosen: Callable[[], Tint]) -> None:
        super().__init__(parent)
        self._display = session.display
        self._tint = chosen
        self.setTitle(self.tr("&Scale"))
        units, limits = QActionGroup(self), QActionGroup(self)
        self._units: dict[Unit, QAction] = {}
        for unit in (Unit.BITS, Unit.NATS, Unit.PROBABILITY):
            title = self.tr("In {0}").format(unit_title(unit))
            self._units[unit] = add_exclusive(self, units, title, self._unit_setter(unit))
        self.addSeparator()
        self._usual = add_exclusive(self, limits, "", lambda: self._set_limit(None))
        automatic = self.tr("Automatic: {0} of the tokens within the scale")
        self._automatic = add_exclusive(
            self, limits, automatic.format(f"{QUANTILE:.0%}"), lambda: self._set_limit(None, True)
        )
        self._typed = add_exclusive(self, limits, self.tr("Other …"), self._ask)
        self.aboutToShow.connect(self.show_choice)
        self.show_choice()

    @property
    def _measure(self) -> Measure:
        return self._tint().measure

    @property
    def _scale(self) -> TintScale:
        return self._display.tint_scales.get(self._measure, USUAL)

    def show_choice(self) -> None:
        """Check what is chosen, and offer what the tint has."""
        scale, measure = self._scale, self._measure
        unit = unit_of(measure, scale)
        for each, action in self._units.items():
            action.setEnabled(each in measure.units)
            action.setChecked(each is unit)
        usual = scale_of(
            self._tint(), self._display.grouping, current_theme(), TintScale(scale.unit)
        ).limit
        title = self.tr("Usual: up to {0} {1}").format(f"{usual:.3g}", unit_title(unit))
        self._usual.setText(title)
        typed = (
            self.tr("Other: {0} {1} …").format(f"{scale.limit:g}", unit_title(unit))
            if (scale.limit is not None)
            else self.tr("Other …")
        )
        self._typed.setText(typed)
        chosen = self._automatic if scale.automatic else self._usual
        (chosen if scale.limit is None else self._typed).setChecked(True)
        for action in (self._usual, self._automatic, self._typed):
            action.setEnabled(Unit.RANK not in measure.units)

    def _unit_setter(self, unit: Unit) -> Callable[[], None]:
        # A limit that was typed in another unit says nothing in this one.
        return lambda: self._set(replace(self._scale, unit=unit, limit=None))

    def _set_limit(self, limit: float | None, automatic: bool = False) -> None:
        self._set(replace(self._scale, limit=limit, automatic=automatic))

    def _set(self, scale: TintScale) -> None:
        self._display.set_tint_scale(self._measure, scale)
        self.show_choice()

    def _ask(self) -> None:
        """Ask for the value with the darkest colour."""
        scale = self._scale
        now = scale_of(self._tint(), self._display.grouping, current_theme(), scale)
        limit, accepted = QInputDialog.getDouble(
            self.parentWidget(),
            self.tr("Scale"),
            self.tr("Darkest colour from ({0}):").format(unit_title(now.unit)),
            now.limit,
            _LEAST,
            _MOST,
            _DIGITS,
        )
        if accepted:
            self._set_limit(limit)
        self.show_choice()
