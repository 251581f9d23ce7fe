"""Menu of the colour scale of the chosen tint: its unit, and where it saturates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from app.attribution.measures import Unit
from app.attribution.tint_scale import QUANTILE, USUAL, Tint, TintScale, unit_of
from app.ui.state.display import Display
from app.ui.state.runs.token_groups import Grouping
from app.ui.text.tint import scale_of
from app.ui.theme import current_theme
from app.ui.widgets.exclusive_actions import add_exclusive
from app.ui.words.unit_words import unit_title

_LEAST, _MOST, _DIGITS = 0.001, 1e6, 3
"""Limits of a typed scale, and its decimals."""


class ScaleChoice(Protocol):
    """A colour scale that a menu changes."""

    units: tuple[Unit, ...]
    """The units that are offered."""

    @property
    def tint(self) -> Tint:
        """The tint whose scale it is."""
        ...

    @property
    def grouping(self) -> Grouping:
        """The groups of tokens that get one colour."""
        ...

    @property
    def scale(self) -> TintScale:
        """The choice."""
        ...

    def set(self, scale: TintScale) -> None:
        """Choose another one."""
        ...


class ScaleOfTint:
    """The scale of the tint of the text.

    Args:
        display: Has the scales.
        tint: Returns the tint of the shown run.
    """

    units: tuple[Unit, ...] = (Unit.BITS, Unit.NATS, Unit.PROBABILITY)

    def __init__(self, display: Display, tint: Callable[[], Tint]) -> None:
        self._display, self._tint = display, tint

    @property
    def tint(self) -> Tint:
        return self._tint()

    @property
    def grouping(self) -> Grouping:
        return self._display.grouping

    @property
    def scale(self) -> TintScale:
        return self._display.tint_scales.get(self.tint.measure, USUAL)

    def set(self, scale: TintScale) -> None:
        self._display.set_tint_scale(self.tint.measure, scale)


class ScaleOfDifference:
    """The scale of the difference of two runs, which is a shift.

    Args:
        display: Has the scale.
    """

    units: tuple[Unit, ...] = (Unit.BITS, Unit.NATS)
    tint, grouping = Tint(), Grouping.TOKEN

    def __init__(self, display: Display) -> None:
        self._display = display

    @property
    def scale(self) -> TintScale:
        return self._display.difference_scale

    def set(self, scale: TintScale) -> None:
        self._display.set_difference_scale(scale)


class TintScaleMenu(QMenu):
    """Menu with the units that a tint has, and with a usual, an automatic or a typed scale."""

    def __init__(self, choice: ScaleChoice, parent: QWidget) -> None:
        super().__init__(parent)
        self._choice = choice
        self.setTitle(self.tr("&Scale"))
        units, limits = QActionGroup(self), QActionGroup(self)
        self._units: dict[Unit, QAction] = {}
        for unit in choice.units:
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

    def show_choice(self) -> None:
        """Check what is chosen, and offer what the tint has."""
        choice = self._choice
        scale, measure = choice.scale, choice.tint.measure
        unit = unit_of(measure, scale)
        for each, action in self._units.items():
            action.setEnabled(each in measure.units)
            action.setChecked(each is unit)
        usual = scale_of(choice.tint, choice.grouping, current_theme(), TintScale(scale.unit)).limit
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
        return lambda: self._set(replace(self._choice.scale, unit=unit, limit=None))

    def _set_limit(self, limit: float | None, automatic: bool = False) -> None:
        self._set(replace(self._choice.scale, limit=limit, automatic=automatic))

    def _set(self, scale: TintScale) -> None:
        self._choice.set(scale)
        self.show_choice()

    def _ask(self) -> None:
        """Ask for the value with the darkest colour."""
        choice = self._choice
        now = scale_of(choice.tint, choice.grouping, current_theme(), choice.scale)
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
