"""The New recipe assistant: proposes the roles of a recipe from the models on this disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QLineEdit, QWidget

from app.checkpoints.candidates.folder_search import model_at
from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.partners import Misfit, Partner, is_shipped
from app.checkpoints.spec import CHAT, PLAIN
from app.ui.new_recipe.new_recipe_form import NewRecipeForm
from app.ui.new_recipe.prompt_words import about_prompts
from app.ui.recipe.candidate_list import CandidateRow, model_of
from app.ui.state.models.recipe_assistant import RecipeAssistant
from app.ui.state.session import Session
from app.ui.train.train_opener import show_training
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.file_dialogs import ask_folder
from app.ui.words.candidate_words import about_base, about_candidate, reason_words
from app.ui.words.source_titles import titles_of


class NewRecipeDialog(NewRecipeForm):
    """Chooses base, expert and anti-expert, checks them and opens the recipe, as one change.

    Args:
        session: The state of the window.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._session = session
        self._assistant = RecipeAssistant(self)
        self._connect()
        self._assistant.show_models(session.local_models.models)
        self._update_search()

    def look_in(self, folder: Path | None = None, wanted: Path | None = None) -> None:
        """Search again, in one more folder, and choose the model ``wanted`` once it is found."""
        self._assistant.show_models(self._session.local_models.models, wanted)
        self._session.local_models.search([folder] if folder else [])

    def _connect(self) -> None:
        session, assistant = self._session, self._assistant
        self.base.chosen.connect(assistant.choose_base)
        self.expert.chosen.connect(assistant.choose_expert)
        self.antiexpert.chosen.connect(assistant.choose_antiexpert)
        self.name.textEdited.connect(assistant.set_name)
        self.pair_name.textEdited.connect(assistant.set_pair_name)
        self.name.editingFinished.connect(self._update)
        self.pair_name.editingFinished.connect(self._update)
        self.format.activated.connect(
            lambda _: assistant.set_chat(self.format.currentData() == CHAT)
        )
        self.folder.clicked.connect(self._ask_folder)
        self.make_expert.clicked.connect(self._make_expert)
        self.stop_search.clicked.connect(session.local_models.cancel)
        self.cancel_button.clicked.connect(self.reject)
        self.create_button.clicked.connect(self.accept)
        assistant.changed.connect(self._update)
        self.check_line.ended.connect(self._update_button)
        session.local_models.changed.connect(self._update_search)
        session.runs.run_changed.connect(self._update_button)

    # Updates

    def _update_search(self) -> None:
        found = self._session.local_models
        progress = found.progress
        self.stop_search.setVisible(found.searching)
        if found.searching:
            text = self.tr("Searching for models …")
            if progress:
                text = self.tr("Reading model {0} of {1}: {2}").format(
                    progress.done + 1, progress.total, progress.name
                )
            self.search_line.show_message(text)
            return
        if found.problem:
            self.search_line.show_message(str(found.problem), "error")
        self._assistant.show_models(found.models)

    def _update(self) -> None:
        assistant = self._assistant
        self.base.show_rows(_base_rows(assistant.bases), _source(assistant.base))
        self.expert.show_rows(self._expert_rows(), _source(assistant.expert or assistant.misfit))
        self.antiexpert.show_rows(_rows(assistant.antiexperts), _source(assistant.antiexpert))
        _show_text(self.name, assistant.name)
        _show_text(self.pair_name, assistant.pair_name)
        with QSignalBlocker(self.format):
            self.format.setCurrentIndex(self.format.findData(CHAT if assistant.chat else PLAIN))
        self.format.setEnabled(assistant.can_chat)
        self.format_line.show_message(about_prompts(assistant))
        if not self._session.local_models.searching:
            self._say_what_was_found()
        self._update_check()

    def _expert_rows(self) -> list[CandidateRow]:
        partners = self._assistant.partners
        rows = _rows(partners.experts)
        if partners.bridged:
            rows.append(CandidateRow(self.tr("Another tokenizer, read by bytes")))
            rows += _rows(partners.bridged)
        if partners.misfits:
            rows.append(CandidateRow(self.tr("Do not go with this base")))
            rows += _rows(partners.misfits)
        return rows

    def _say_what_was_found(self) -> None:
        assistant, found = self._assistant, self._session.local_models
        text = ""
        if found.empty:
            text = self.tr("There is no model in {0} or in the folders in it.").format(
                ", ".join(map(str, found.empty))
            )
        elif not any(not is_shipped(model) for model in found.models):
            text = self.tr(
                "No models of your own were found. Look in the folder that holds them, "
                "or download some: Models → From the Hub."
            )
        elif assistant.base and not assistant.partners.possible:
            text = self.tr(
                "No model here goes with {0}. An expert has the same tokenizer, such as a smaller "
                "instruct model of the same family, or another tokenizer and its anti-expert here. "
                "Or make one from your own texts."
            ).format(assistant.base.title)
        if not found.problem:
            self.search_line.show_message(text)
        self.search_line.setVisible(bool(self.search_line.message))

    def _update_check(self) -> None:
        recipe, misfit = self._assistant.recipe, self._assistant.misfit
        if recipe:
            self.check_line.check(recipe)
        else:
            self.check_line.forget()
            text = (
                self.tr("{0} does not go with this base: {1}").format(
                    misfit.model.title, reason_words(misfit.reason)
                )
                if misfit
                else ""
            )
            self.check_line.show_message(text)
        self._update_button()

    def _update_button(self) -> None:
        editable = self._session.editable
        ready = self._assistant.recipe is not None and not self.check_line.refused
        self.create_button.setEnabled(ready and editable)
        self.create_button.setToolTip(
            ""
            if editable
            else self.tr("The recipe cannot be changed during a run. Press Esc to stop the run.")
        )

    # User actions

    def _ask_folder(self) -> None:
        start = self._session.settings.model_folder or str(Path.home())
        title = self.tr("Choose a folder with models")
        ask_folder(self, title, start, lambda path: self.look_in(Path(path)))

    def _make_expert(self) -> None:
        """Make an expert for the chosen base instead."""
        base, above = self._assistant.base, self.parentWidget() or self
        self.reject()
        show_training(self._session, above, base=base.source if base else "")

    def accept(self) -> None:
        """Open the recipe, which loads its models, as one change that can be undone."""
        recipe = self._assistant.recipe
        if recipe and self._session.editable:
            self._session.open_recipe(recipe)
            super().accept()

    def done(self, result: int) -> None:
        self.check_line.forget()
        self._session.local_models.cancel()
        super().done(result)


def show_new_recipe(
    session: Session, parent: QWidget, dropped: Path | None = None
) -> NewRecipeDialog:
    """Show the assistant of the window that contains ``parent``.

    Args:
        session: The state of the window.
        parent: A widget of the window.
        dropped: The folder or file of a model to choose, or a folder with models.
    """
    dialog = show_once(
        parent, NewRecipeDialog, "new recipe", lambda window: NewRecipeDialog(session, window)
    )
    if dropped is None:
        dialog.look_in()
    else:
        dialog.look_in(dropped.absolute().parent if model_at(dropped) else dropped, dropped)
    return dialog


def _base_rows(bases: Sequence[LocalModel]) -> list[CandidateRow]:
    titles = titles_of([base.source for base in bases])
    return [
        CandidateRow(title, about_base(base), base)
        for title, base in zip(titles, bases, strict=True)
    ]


def _rows(candidates: Iterable[Partner | Misfit]) -> list[CandidateRow]:
    listed = list(candidates)
    titles = titles_of([candidate.model.source for candidate in listed])
    return [
        CandidateRow(title, about_candidate(candidate), candidate)
        for title, candidate in zip(titles, listed, strict=True)
    ]


def _source(candidate: LocalModel | Partner | Misfit | None) -> str:
    return model_of(candidate).source if candidate else ""


def _show_text(field: QLineEdit, text: str) -> None:
    if not field.hasFocus():  # else it is being typed
        field.setText(text)
        field.setCursorPosition(0)  # so that the beginning of a long name is visible
