"""The bar of an unfinished recipe: which role is missing, and models on this disk for it.

It is also shown for models of another tokenizer that were chosen one by one: they can be used, and
models that share the tokenizer are offered.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.checkpoints.candidates.used_folders import folders_of
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import Recipe
from app.ui.state.models.recipe_state import models_named
from app.ui.state.models.unfinished_recipe import (
    Proposal,
    UnfinishedRecipe,
    proposals_for,
    what_is_bridged,
    what_is_missing,
)
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE
from app.ui.words.share_words import least_shares
from app.ui.words.unfinished_words import (
    about_proposal,
    bridged_line,
    proposal_title,
    unfinished_line,
)


class UnfinishedBar(QFrame):
    """Visible while the roles of the recipe do not go together yet, or differ in the tokenizer.

    Nothing has failed.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._unfinished: UnfinishedRecipe | None = None
        self._shown: list[dict[int, str]] = []
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
        self.keep = QPushButton(self.tr("Keep this pair"))
        self.keep.setProperty("role", "link")
        self.keep.clicked.connect(self._keep)
        self._kept: Recipe | None = None
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
        ways.addWidget(self.keep)
        ways.addStretch(1)
        layout.addLayout(ways)
        for changed in (session.load_changed, session.recipe_changed):
            changed.connect(self._update)
        session.local_models.changed.connect(self._show_offers)
        self._update()

    @property
    def message(self) -> str:
        """What the bar says; empty while it is hidden."""
        return "" if self.isHidden() else self._text.text()

    def _update(self) -> None:
        session, found, shown = self._session, self._session.current_preflight, self._unfinished
        before = session.before_edit
        wanted = None
        if found and session.unfinished:
            wanted = what_is_missing(found, session.recipe, before)
            self._text.setText(unfinished_line(wanted))
        elif found and self._shows_bridged(found):
            wanted = what_is_bridged(found)
            self._text.setText(bridged_line(wanted, least_shares(found.vocabulary)))
        self._unfinished = wanted
        self.setVisible(wanted is not None)
        if wanted is None:
            return
        self.setAccessibleDescription(self._text.text())
        self.keep.setVisible(not session.unfinished)
        self.back.setVisible(before is not None)
        if before:
            self.back.setText(self.tr("Back to {0}, which is still loaded").format(before.name))
        self._offer_removal(wanted)
        if shown is None or models_named(shown.recipe) != models_named(wanted.recipe):
            session.local_models.search(folders_of(session.recipe))
        self._show_offers()

    def _shows_bridged(self, found: Preflight) -> bool:
        """Whether models of another tokenizer were chosen one by one, and not kept yet."""
        session = self._session
        under_way = session.load_state in (LoadState.LOADING, LoadState.LOADED)
        chosen = session.models_edited and bool(found.vocabulary.bridged)
        return under_way and found.vocabulary.usable and chosen and not self._is_kept()

    def _is_kept(self) -> bool:
        kept = self._kept
        return kept is not None and models_named(kept) == models_named(self._session.recipe)

    def _keep(self) -> None:
        self._kept = self._session.recipe
        self._update()

    def _offer_removal(self, wanted: UnfinishedRecipe) -> None:
        """Offer to remove the first pair that does not go with the base, unless it is the last."""
        pairs = wanted.recipe.pairs
        removable = wanted.pair is not None and len(pairs) > 1
        self.remove.setVisible(removable)
        if wanted.pair is not None and removable:
            text = self.tr("Remove the pair “{0}”")
            self.remove.setText(text.format(pairs[wanted.pair].name))

    def _show_offers(self) -> None:
        wanted, models = self._unfinished, self._session.local_models
        if wanted is None:
            return
        proposals = proposals_for(wanted, models.models)
        if models.searching and not proposals:
            state = self.tr("Looking for models on this disk that go with it …")
        elif proposals and not self._session.unfinished:
            state = self.tr("With the same tokenizer, on this disk:")
        elif proposals:
            state = self.tr("On this disk:")
        elif not self._session.unfinished:
            state = self.tr("No model on this disk has the same tokenizer.")
        else:
            state = self.tr("No model on this disk goes with it.")
        self._state.setText(state)
        sources = [proposal.sources for proposal in proposals]
        if sources == self._shown and self.offers:
            return  # the buttons stay while the search goes on
        self._shown = sources
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
        if self._unfinished and self._unfinished.pair is not None:
            self._session.remove_pair(self._unfinished.pair)

    def _go_back(self) -> None:
        before = self._session.before_edit
        if before:
            self._session.open_recipe(before)
