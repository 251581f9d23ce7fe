"""The bar of a draft: which role is missing, and models on this disk that would fill it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.state.models.draft_advice import (
    Draft,
    Proposal,
    draft_of,
    folders_of,
    proposals_for,
)
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.words.draft_words import about_proposal, draft_line, proposal_title


class DraftBar(QFrame):
    """Visible while the roles of the recipe do not go together yet; nothing has failed."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._draft: Draft | None = None
        self._shown: list[Proposal] = []
        self.offers: list[QPushButton] = []
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("The recipe is not complete yet"))
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._state = QLabel()
        self._state.setProperty("role", "caption")
        self._state.setTextFormat(Qt.TextFormat.PlainText)
        self._state.setWordWrap(True)
        self.back = QPushButton()
        self.back.setProperty("role", "link")
        self.back.clicked.connect(self._go_back)
        self.remove = QPushButton()
        self.remove.setProperty("role", "link")
        self.remove.clicked.connect(self._remove)
        self._buttons = QWidget()
        self._rows = QVBoxLayout(self._buttons)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(SPACE // 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        layout.setSpacing(SPACE // 2)
        for widget in (self._text, self._state, self._buttons):
            layout.addWidget(widget)
        ways = QHBoxLayout()
        ways.setSpacing(SPACE)
        ways.addWidget(self.back)
        ways.addWidget(self.remove)
        ways.addStretch(1)
        layout.addLayout(ways)
        session.load_changed.connect(self._update)
        session.local_models.changed.connect(self._show_offers)
        self._update()

    @property
    def message(self) -> str:
        """What the bar says; empty while it is hidden."""
        return "" if self.isHidden() else self._text.text()

    def _update(self) -> None:
        session, found = self._session, self._session.current_preflight
        draft = session.draft and found is not None
        self.setVisible(draft)
        if not draft or found is None:
            self._draft = None
            return
        before, drafted = session.before_draft, self._draft
        self._draft = draft_of(found, session.recipe, before)
        self._text.setText(draft_line(self._draft))
        self.setAccessibleDescription(self._text.text())
        self.back.setVisible(before is not None)
        if before:
            self.back.setText(self.tr("Back to {0}, which is still loaded").format(before.name))
        self._offer_removal(self._draft)
        if drafted is None or drafted.recipe != self._draft.recipe:
            session.local_models.search(folders_of(session.recipe))
        self._show_offers()

    def _offer_removal(self, draft: Draft) -> None:
        """Offer to remove the first pair that does not go with the base, unless it is the last."""
        pairs = draft.recipe.pairs
        removable = draft.pair is not None and len(pairs) > 1
        self.remove.setVisible(removable)
        if draft.pair is not None and removable:
            text = self.tr("Remove the pair “{0}”")
            self.remove.setText(text.format(pairs[draft.pair].name))

    def _show_offers(self) -> None:
        draft, models = self._draft, self._session.local_models
        if draft is None:
            return
        proposals = proposals_for(draft, models.models)
        if models.searching and not proposals:
            state = self.tr("Looking for models on this disk that go with it …")
        elif proposals:
            state = self.tr("On this disk:")
        else:
            state = self.tr("No model on this disk goes with it.")
        self._state.setText(state)
        if proposals == self._shown and self.offers:
            return
        self._shown = proposals
        for button in self.offers:
            self._rows.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.offers = [self._make_offer(proposal) for proposal in proposals]
        self._buttons.setVisible(bool(proposals))

    def _make_offer(self, proposal: Proposal) -> QPushButton:
        button = QPushButton(proposal_title(proposal))
        button.setToolTip(about_proposal(proposal))
        button.clicked.connect(partial(self._use, proposal))
        self._rows.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return button

    def _use(self, proposal: Proposal, *_: object) -> None:
        self._session.set_sources(proposal.sources)

    def _remove(self) -> None:
        if self._draft and self._draft.pair is not None:
            self._session.remove_pair(self._draft.pair)

    def _go_back(self) -> None:
        before = self._session.before_draft
        if before:
            self._session.open_recipe(before)
