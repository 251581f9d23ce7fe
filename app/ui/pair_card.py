"""One expert pair: its name, its weight and its two checkpoints."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.alpha_slider import HIGHEST, LOWEST, STEP, AlphaSlider
from app.ui.quiet_wheel import QuietWheel
from app.ui.role_picker import RolePicker
from app.ui.session import Session
from app.ui.theme import SPACE, pair_style


class PairCard(QFrame):
    """A card with a border in the pair's colour.

    Args:
        session: The state.
        pair: The pair's place in the recipe.
    """

    def __init__(self, session: Session, pair: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pair = pair
        self.setProperty("pair", pair_style(pair))
        self._name = QLineEdit()
        self._name.setProperty("role", "title")
        self._name.setAccessibleName(self.tr("Name of the pair"))
        self._name.editingFinished.connect(self._rename)
        self._slider = AlphaSlider(pair)
        self._number = QDoubleSpinBox()
        self._make_alpha()
        self._menu_button = self._make_menu()
        expert = self.tr("expert")
        antiexpert = self.tr("anti-expert")
        self._expert = RolePicker(session, 1 + 2 * pair, expert)
        self._antiexpert = RolePicker(session, 2 + 2 * pair, antiexpert)
        self._lay_out(expert, antiexpert)
        session.recipe_changed.connect(self._update)
        session.run_changed.connect(self._update)
        self._update()

    def _make_alpha(self) -> None:
        about = self.tr(
            "Weight of the difference between expert and anti-expert.\n"
            "0: no effect, 1: as tuned, negative: the opposite. Double-click resets."
        )
        self._number.setRange(LOWEST, HIGHEST)
        self._number.setSingleStep(STEP)
        self._number.setDecimals(2)
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._number.setFixedWidth(
            self._number.fontMetrics().horizontalAdvance("−0.00") + 3 * SPACE
        )  # noqa: RUF001
        self._number.setKeyboardTracking(False)
        self._number.setAccessibleName(self.tr("α, as a number"))
        self._slider.setAccessibleName(self.tr("α"))
        for control in (self._number, self._slider):
            control.setToolTip(about)
        self._slider.alpha_changed.connect(self._set_alpha)
        self._number.valueChanged.connect(self._set_alpha)
        self._slider.reset_requested.connect(self._reset)
        QuietWheel(self).watch(self._slider, self._number)

    def _make_menu(self) -> QToolButton:
        button = QToolButton()
        button.setText("⋯")
        button.setProperty("role", "flat")
        button.setAccessibleName(self.tr("More for this pair"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.addAction(self.tr("Rename"), self._start_rename)
        menu.addAction(self.tr("Reset α"), self._reset)
        self._remove = menu.addAction(
            self.tr("Remove pair"), lambda: self._session.remove_pair(self._pair)
        )
        button.setMenu(menu)
        return button

    def _lay_out(self, expert: str, antiexpert: str) -> None:
        head = QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addWidget(self._menu_button)
        alpha = QHBoxLayout()
        alpha.setSpacing(SPACE)
        label = QLabel("α")
        label.setProperty("role", "caption")
        alpha.addWidget(label)
        alpha.addWidget(self._slider, 1)
        alpha.addWidget(self._number)
        roles = QGridLayout()
        roles.setHorizontalSpacing(SPACE)
        roles.setVerticalSpacing(SPACE // 2)
        for row, (title, picker) in enumerate(
            ((expert, self._expert), (antiexpert, self._antiexpert))
        ):
            caption = QLabel(title)
            caption.setProperty("role", "caption")
            caption.setBuddy(picker)
            caption.setContentsMargins(0, SPACE // 2, 0, 0)
            roles.addWidget(caption, row, 0, Qt.AlignmentFlag.AlignTop)
            roles.addWidget(picker, row, 1)
        roles.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 2, SPACE // 2, SPACE, SPACE)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(head)
        layout.addLayout(alpha)
        layout.addLayout(roles)

    def _update(self) -> None:
        recipe = self._session.recipe
        if self._pair >= len(recipe.pairs):
            return  # removed; the panel is about to drop this card
        pair = recipe.pairs[self._pair]
        if not self._name.hasFocus():
            self._name.setText(pair.name)
        self._slider.show_alpha(pair.alpha, self._session.original_alpha(self._pair))
        with QSignalBlocker(self._number):
            self._number.setValue(pair.alpha)
        self._name.setReadOnly(not self._session.editable)
        self._remove.setEnabled(self._session.editable and len(recipe.pairs) > 1)

    def _set_alpha(self, alpha: float) -> None:
        self._session.set_alpha(self._pair, alpha)

    def _reset(self) -> None:
        self._session.reset_alpha(self._pair)

    def _start_rename(self) -> None:
        self._name.setFocus()
        self._name.selectAll()

    def _rename(self) -> None:
        name = self._name.text().strip()
        if name and name != self._session.recipe.pairs[self._pair].name:
            self._session.rename_pair(self._pair, name)
        self._name.setText(self._session.recipe.pairs[self._pair].name)
