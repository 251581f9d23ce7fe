"""The recipe panel: recipe picker, base, expert pairs and sampling settings."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.ui.recipe.pair_card import PairCard
from app.ui.recipe.prompt_format_line import PromptFormatLine
from app.ui.recipe.recipe_picker import RecipePicker
from app.ui.recipe.role_picker import RolePicker
from app.ui.recipe.sampling_panel import SamplingPanel
from app.ui.state.hints import Hint
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.hint_label import HintLabel

MARGIN = SPACE + 4
"""Pixels between the edge of the panel and its content."""


class RecipePanel(QScrollArea):
    """Edits the recipe in force; scrolls if the window is low."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._cards: list[PairCard] = []
        self._base = RolePicker(session, 0, self.tr("Base"))
        self._format = PromptFormatLine(session)
        self._sampling = SamplingPanel(session)
        self._pairs = QVBoxLayout()
        self._pairs.setSpacing(SPACE)
        self._add = QPushButton(self.tr("+ Add expert pair"))
        self._add.setProperty("role", "link")
        self._add.setMenu(self._make_menu())
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._lay_out()
        session.recipe_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._update()

    def _lay_out(self) -> None:
        page = QFrame()
        page.setProperty("role", "side")
        page.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        recipe, base, sampling = RecipePicker(self._session), self._base, self._sampling
        layout = QVBoxLayout(page)
        layout.setContentsMargins(MARGIN, SPACE, MARGIN, SPACE)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(_caption(self.tr("Recipe"), recipe))
        layout.addWidget(recipe)
        layout.addSpacing(SPACE)
        layout.addWidget(_caption(self.tr("Base"), base))
        layout.addWidget(base)
        layout.addWidget(
            HintLabel(
                self._session.display.hints,
                Hint.BASE,
                self.tr("The large model that writes. Tuning does not change it."),
            )
        )
        layout.addSpacing(SPACE // 2)
        layout.addLayout(self._pairs)
        layout.addWidget(self._add, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._format, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addSpacing(SPACE // 2)
        layout.addWidget(_caption(self.tr("Sampling"), sampling))
        layout.addWidget(sampling)
        layout.addStretch(1)
        self.setWidget(page)

    def _make_menu(self) -> QMenu:
        menu = QMenu(self._add)
        menu.setToolTipsVisible(True)
        pair = menu.addAction(self.tr("Expert pair"), self._add_pair)
        pair.setToolTip(self.tr("Add a tuned model and the model it was tuned from."))
        persona = menu.addAction(
            self.tr("Persona: same model with a system prompt"), self._add_persona
        )
        persona.setToolTip(
            self.tr(
                "The expert is the base with a system prompt, the anti-expert the base without."
            )
        )
        return menu

    def _add_pair(self) -> None:
        self._session.add_pair()
        self._show_last().focus_name()

    def _add_persona(self) -> None:
        found = self._session.preflight
        self._session.add_persona(bool(found and found.prompts[0].has_chat_template))
        self._show_last().write_persona()

    def _show_last(self) -> PairCard:
        card = self._cards[-1]
        QTimer.singleShot(0, card, lambda: self.ensureWidgetVisible(card))
        return card

    def _update(self) -> None:
        editable = self._session.editable
        self._add.setEnabled(editable)
        self._add.setToolTip(
            self.tr("Add a tuned model and the model it was tuned from.")
            if editable
            else self.tr("Pairs cannot be added during a run. Press Esc to stop the run.")
        )
        count = len(self._session.recipe.pairs)
        while len(self._cards) > count:
            card = self._cards.pop()
            self._pairs.removeWidget(card)
            card.hide()
            card.deleteLater()
        while len(self._cards) < count:
            card = PairCard(self._session, len(self._cards))
            self._cards.append(card)
            self._pairs.addWidget(card)
            card.show()


def _caption(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    label.setBuddy(buddy)
    return label
