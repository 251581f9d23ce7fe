"""Menu of the scales of the plot: probability or log-probability."""

from __future__ import annotations

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.ui.state.display import Display


class ScaleMenu(QMenu):
    """Menu with two scales, of which one is checked."""

    def __init__(self, display: Display, parent: QWidget) -> None:
        super().__init__(parent)
        self._display = display
        self.setTitle(self.tr("&Plot"))
        group = QActionGroup(self)
        self._linear = self.addAction(self.tr("Probability: contribution of each pair"))
        self._logarithmic = self.addAction(
            self.tr("Log-probability in bits: shift by all pairs together")
        )
        for action, logarithmic in ((self._linear, False), (self._logarithmic, True)):
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _=False, on=logarithmic: display.set_logarithmic(on))
        display.plot_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        chosen = self._logarithmic if self._display.logarithmic else self._linear
        chosen.setChecked(True)
