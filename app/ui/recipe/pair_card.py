"""The card of one expert pair: its name, its alpha and its two checkpoints."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.recipe.role_picker import RolePicker
from app.ui.state.hints import Hint
from app.ui.state.session import Session
from app.ui.theme import SPACE, current_theme
from app.ui.widgets.alpha_slider import HIGHEST, LOWEST, STEP, AlphaSlider
from app.ui.widgets.form_controls import NameEdit, NumberBox
from app.ui.widgets.hint_label import HintLabel

_EDGE = 4
_RADIUS = 8


class PairCard(QFrame):
    """Edits one expert pair; its border has the pair's colour.

    Args:
        session: The state of the window.
        pair: The index of the pair in the recipe.
    """

    def __init__(self, session: Session, pair: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pair = pair
        self._name = NameEdit()
        self._name.setProperty("role", "title")
        self._name.editingFinished.connect(self._rename)
        self._slider = AlphaSlider(pair)
        self._number = NumberBox(LOWEST, HIGHEST, STEP, decimals=2, trim=False)
        self._make_alpha()
        self._menu_button = self._make_menu()
        titles = (self.tr("expert"), self.tr("anti-expert"))
        width = max(self.fontMetrics().horizontalAdvance(title) for title in titles) + SPACE
        self._pickers = [
            RolePicker(session, 1 + 2 * pair + antiexpert, title, width)
            for antiexpert, title in enumerate(titles)
        ]
        self._titles = titles
        self._notice = QLabel(
            self.tr("This pair does nothing: expert and anti-expert are the same model.")
        )
        self._notice.setProperty("role", "caption")
        self._notice.setWordWrap(True)
        self._lay_out()
        session.recipe_changed.connect(self._update)
        session.alphas_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._update()

    # Construction

    def _make_alpha(self) -> None:
        about = self.tr(
            "α multiplies the difference between expert and anti-expert: 0 turns the pair off,\n"
            "1 applies it in full, negative values reverse it. Changes apply to the next token.\n"
            "Double-click the slider to reset α to the recipe's value."
        )
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._number.setFixedWidth(self.fontMetrics().horizontalAdvance("-0.00") + 3 * SPACE)
        for control in (self._number, self._slider):
            control.setToolTip(about)
        self._slider.alpha_changed.connect(self._set_alpha)
        self._number.valueChanged.connect(self._set_alpha)
        self._slider.reset_requested.connect(self._reset)

    def _make_menu(self) -> QToolButton:
        button = QToolButton()
        button.setText("⋯")
        button.setProperty("role", "flat")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        self._rename_action = menu.addAction(self.tr("Rename"), self.focus_name)
        menu.addAction(self.tr("Reset α"), self._reset)
        menu.addSeparator()
        self._remove_action = menu.addAction(self.tr("Remove pair"), self._remove)
        menu.setToolTipsVisible(True)
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE // 2)
        head.addWidget(self._name, 1)
        head.addWidget(self._menu_button)
        alpha = QHBoxLayout()
        alpha.setSpacing(SPACE)
        label = QLabel("α")
        label.setProperty("role", "caption")
        label.setBuddy(self._slider)
        alpha.addWidget(label)
        alpha.addWidget(self._slider, 1)
        alpha.addWidget(self._number)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_EDGE + SPACE, SPACE - 2, SPACE, SPACE // 2)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(head)
        layout.addLayout(alpha)
        self._add_hint(layout, Hint.ALPHA)
        for picker, hint in zip(self._pickers, (Hint.EXPERT, Hint.ANTIEXPERT), strict=True):
            layout.addWidget(picker)
            self._add_hint(layout, hint)
        layout.addWidget(self._notice)

    def _add_hint(self, layout: QVBoxLayout, hint: Hint) -> None:
        """Explain the part above, in the first card only."""
        if self._pair == 0:
            text = {
                Hint.ALPHA: self.tr(
                    "How strongly the pair pulls: 0 is off. Move it while tokens are generated."
                ),
                Hint.EXPERT: self.tr("A small model that was tuned to what the base lacks."),
                Hint.ANTIEXPERT: self.tr(
                    "The same small model before it was tuned. Only the difference is used."
                ),
            }[hint]
            layout.addWidget(HintLabel(self._session.display.hints, hint, text))

    # Updates from the session

    def _update(self) -> None:
        recipe = self._session.recipe
        if self._pair >= len(recipe.pairs):
            return  # the pair was removed; the panel is about to delete this card
        pair, editable = recipe.pairs[self._pair], self._session.editable
        if not self._name.hasFocus() or not self._name.isModified():
            self._show_name(pair.name)
        self._slider.show_alpha(pair.alpha, self._session.original_alpha(self._pair))
        self._number.setRange(min(LOWEST, pair.alpha), max(HIGHEST, pair.alpha))
        self._number.show_value(pair.alpha)
        self._name.setReadOnly(not editable)
        self._rename_action.setEnabled(editable)
        self._notice.setVisible(pair.expert == pair.antiexpert)
        alone = len(recipe.pairs) == 1
        self._remove_action.setEnabled(editable and not alone)
        self._remove_action.setToolTip(
            self.tr("A recipe needs at least one pair.")
            if alone
            else self.tr("Remove this pair from the recipe.")
        )

    def _show_name(self, name: str) -> None:
        if name != self._name.text():
            self._name.setText(name)
            self._name.setCursorPosition(0)
        self._name.setToolTip(name)
        self._name.setAccessibleName(self.tr("Name of pair {0}").format(self._pair + 1))
        self._slider.setAccessibleName(self.tr("α of {0}").format(name))
        self._number.setAccessibleName(self.tr("α of {0}, as a number").format(name))
        self._menu_button.setAccessibleName(self.tr("Actions for {0}").format(name))
        for picker, title in zip(self._pickers, self._titles, strict=True):
            picker.name_role(self.tr("{0} of {1}").format(title, name))

    # User actions

    def _set_alpha(self, alpha: float) -> None:
        self._session.set_alpha(self._pair, alpha)

    def _reset(self) -> None:
        self._session.reset_alpha(self._pair)

    def _remove(self) -> None:
        self._session.remove_pair(self._pair)

    def write_persona(self) -> None:
        """Open the options of the expert with the focus in its system prompt."""
        self._pickers[0].open_options().focus_system()

    def focus_name(self) -> None:
        """Move the focus to the name of the pair and select the name."""
        self._name.setFocus()
        self._name.selectAll()

    def _rename(self) -> None:
        pairs = self._session.recipe.pairs
        if self._pair >= len(pairs):
            return
        before, name = pairs[self._pair].name, self._name.text().strip()
        self._name.setModified(False)
        if name and name != before:
            self._session.rename_pair(self._pair, name)
        self._show_name(name or before)
        self._name.setCursorPosition(0)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
        painter.fillPath(outline, QColor(theme.surface))
        painter.strokePath(outline, QPen(QColor(theme.border)))
        edge = QPainterPath()
        edge.addRect(QRectF(0, 0, _EDGE, self.height()))
        outside = QPainterPath()
        outside.addRoundedRect(QRectF(self.rect()), _RADIUS, _RADIUS)
        painter.fillPath(outside.intersected(edge), theme.pair_color(self._pair))
        painter.end()
