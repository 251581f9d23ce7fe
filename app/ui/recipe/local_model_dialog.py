"""The dialog that chooses one of the models on this disk for a role."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.partners import (
    Because,
    Misfit,
    Partner,
    Reason,
    partners_for,
    possible_bases,
)
from app.errors import TuneshiftError
from app.ui.recipe.candidate_list import Candidate, CandidateList, CandidateRow, model_of
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.train.train_opener import show_training
from app.ui.widgets.file_dialogs import ask_folder
from app.ui.widgets.message_label import MessageLabel
from app.ui.words.candidate_words import about_base, about_candidate
from app.ui.words.role_words import role_titles
from app.ui.words.source_titles import titles_of

_SIZE = QSize(620, 520)
_FRAME = 48
"""Pixels of the screen that the dialog leaves free for its frame."""


class LocalModelDialog(QDialog):
    """Lists the models on this disk, those first that go with the base, and gives one to a role.

    Args:
        session: The state of the window.
        place: The index of the role in ``Recipe.roles``.
    """

    def __init__(self, session: Session, place: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._place = place
        role = role_titles(session.recipe)[place]
        self.setWindowTitle(self.tr("Models on this disk: {0}").format(role))
        self.models = CandidateList()
        self.models.setAccessibleName(self.tr("Models on this disk"))
        self.search_line = MessageLabel()
        self.stop_search = QPushButton(self.tr("Stop searching"))
        self.folder = QPushButton(self.tr("&Look in a folder …"))
        self.make_expert = QPushButton(self.tr("Ma&ke an expert …"))
        self.make_expert.setVisible(place % 2 == 1)
        self.cancel_button = QPushButton(self.tr("Cancel"))
        self.use_button = QPushButton(self.tr("&Use and load"))
        self.use_button.setProperty("role", "primary")
        for button in (self.stop_search, self.folder, self.make_expert, self.cancel_button):
            button.setAutoDefault(False)
        self.use_button.setDefault(True)
        self._chosen = ""
        self._lay_out()
        self._connect()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - QSize(_FRAME, _FRAME)))
        session.local_models.search()

    def _lay_out(self) -> None:
        searching = QHBoxLayout()
        searching.addWidget(self.search_line, 1)
        searching.addWidget(self.stop_search)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.folder)
        buttons.addWidget(self.make_expert)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.use_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self.models, 1)
        layout.addLayout(searching)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        session = self._session
        self.models.chosen.connect(self._on_chosen)
        self.models.activated.connect(self.accept)
        self.stop_search.clicked.connect(session.local_models.cancel)
        self.folder.clicked.connect(self._ask_folder)
        self.make_expert.clicked.connect(self._make_expert)
        self.cancel_button.clicked.connect(self.reject)
        self.use_button.clicked.connect(self.accept)
        session.local_models.changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)

    def _update(self) -> None:
        found = self._session.local_models
        specs = self._session.recipe.checkpoints()
        if self._place >= len(specs):  # the pair of the role has been removed
            self.reject()
            return
        self.stop_search.setVisible(found.searching)
        self.models.show_rows(self._rows(found.models), self._chosen or specs[self._place].source)
        self.search_line.show_message(self._about_search())
        self.search_line.setVisible(bool(self.search_line.message))
        self.use_button.setEnabled(bool(self._chosen) and self._session.editable)

    def _about_search(self) -> str:
        found = self._session.local_models
        if found.searching and found.progress:
            progress = found.progress
            return self.tr("Reading model {0} of {1}: {2}").format(
                progress.done + 1, progress.total, progress.name
            )
        if found.searching:
            return self.tr("Searching for models …")
        if found.problem:
            return str(found.problem)
        if found.empty:
            folders = ", ".join(map(str, found.empty))
            return self.tr("There is no model in {0} or in the folders in it.").format(folders)
        return ""

    def _rows(self, models: Sequence[LocalModel]) -> list[CandidateRow]:
        base = None if self._place == 0 else self._base(models)
        if base is None:
            return self._base_rows(models)
        partners = partners_for(base, models)
        adapters = self._place % 2 == 1  # an expert can be an adapter over its anti-expert
        fitting = [each for each in partners.experts if adapters or not each.model.is_adapter]
        rows = _rows_of([base], [about_base(base)]) + _partner_rows(fitting)
        bridged = [each for each in partners.bridged if adapters or not each.model.is_adapter]
        if bridged:
            rows.append(CandidateRow(self.tr("Another tokenizer, read by bytes")))
            rows += _partner_rows(bridged)
        if partners.misfits:
            rows.append(CandidateRow(self.tr("Do not go with the base")))
            rows += _partner_rows(partners.misfits)
        return rows

    def _base_rows(self, models: Sequence[LocalModel]) -> list[CandidateRow]:
        """Models that can be a base, and with the reason those that nothing can be done with."""
        bases = possible_bases(models)
        rows = _rows_of(bases, [about_base(model) for model in bases])
        unusable = [
            Misfit(model, Because(Reason.UNUSABLE, model.problem))
            for model in models
            if model.problem and not model.is_adapter
        ]
        if unusable:
            rows.append(CandidateRow(self.tr("Cannot be used")))
            rows += _partner_rows(unusable)
        return rows

    def _base(self, models: Sequence[LocalModel]) -> LocalModel | None:
        """The base of the recipe among the models, or None if it is elsewhere."""
        source = self._session.recipe.base.source
        return next((model for model in models if model.source == source), None)

    def _on_chosen(self, candidate: Candidate) -> None:
        usable = not isinstance(candidate, Misfit)
        self._chosen = model_of(candidate).source if usable else ""
        self.use_button.setEnabled(usable and self._session.editable)

    def _ask_folder(self) -> None:
        start = self._session.settings.model_folder or str(Path.home())
        title = self.tr("Choose a folder with models")
        ask_folder(self, title, start, lambda path: self._session.local_models.search([Path(path)]))

    def _make_expert(self) -> None:
        above = self.parentWidget() or self
        self.reject()
        show_training(self._session, above)

    def accept(self) -> None:
        """Give the chosen model to the role, which loads it."""
        if not self.use_button.isEnabled():
            return
        try:
            self._session.set_source(self._place, self._chosen)
        except TuneshiftError as error:
            self.search_line.show_message(str(error), "error")
            self.search_line.setVisible(True)
            return
        super().accept()

    def done(self, result: int) -> None:
        self._session.local_models.cancel()
        super().done(result)


def _partner_rows(candidates: Sequence[Partner] | Sequence[Misfit]) -> list[CandidateRow]:
    return _rows_of(candidates, [about_candidate(candidate) for candidate in candidates])


def _rows_of(candidates: Sequence[Candidate], about: Sequence[str]) -> list[CandidateRow]:
    titles = titles_of([model_of(candidate).source for candidate in candidates])
    return [CandidateRow(*row) for row in zip(titles, about, candidates, strict=True)]
