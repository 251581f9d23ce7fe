"""The dialog of the recipe's prompt format, and of the roles that have one of their own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec, PromptFormat, Recipe
from app.ui.recipe.option_buttons import OptionButtons
from app.ui.recipe.prompt_fields import (
    FOLLOWS,
    OWN,
    PromptFields,
    format_title,
    has_chat_template,
    kind_of,
    kind_titles,
    offer_chat,
)
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import ChoiceBox, choice_of
from app.ui.words.role_words import role_titles

_MOST_ROLES = 5
"""Roles that are listed without scrolling."""


class PromptFormatDialog(QDialog):
    """Edits the prompt format of the recipe and which roles follow it, as one change.

    Args:
        session: The state of the window.
    """

    preview_wanted = Signal()
    """The user asked for the preview of the prompts."""
    options_wanted = Signal(int)
    """The user asked for the options of the role at this place."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: Recipe | None = None
        self.setWindowTitle(self.tr("Prompt format"))
        about = _wrapped("caption")
        about.setText(
            self.tr(
                "How your prompt reaches the models. All roles follow the recipe, except those "
                "with a format of their own."
            )
        )
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.common = PromptFields(form, may_follow=False, parent=self)
        self.roles: list[ChoiceBox] = []
        self._notes: list[QLabel] = []
        self._list = QFormLayout()
        self._list.setHorizontalSpacing(2 * SPACE)
        self._list.setVerticalSpacing(SPACE // 2)
        self._list.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._area = self._make_area()
        self._error = _wrapped("error")
        self._buttons = OptionButtons()
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._buttons.applied.connect(self.apply)
        self._buttons.preview_wanted.connect(self.preview_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        for part in (about, form, self._area, self._error, self._buttons):
            layout.addLayout(part) if isinstance(part, QFormLayout) else layout.addWidget(part)
        self.common.changed.connect(self._update)
        session.recipe_changed.connect(self._follow)
        session.preflight_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._follow()

    def _make_area(self) -> QScrollArea:
        page = QWidget()
        page.setLayout(self._list)
        self._list.setContentsMargins(0, 0, SPACE, 0)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        return area

    # Updates from the session

    def _follow(self) -> None:
        """Show the recipe again if its formats or its roles changed."""
        recipe, before = self._session.recipe, self._shown
        self._shown = recipe
        if before is None or _formats(recipe) != _formats(before):
            self._fill(recipe)
        self._update()

    def _fill(self, recipe: Recipe) -> None:
        self.common.show_format(recipe.prompt_format, recipe.prompt_format)
        while self._list.rowCount():
            self._list.removeRow(0)
        self.roles, self._notes = [], []
        titles = role_titles(recipe)
        for place, (title, spec) in enumerate(zip(titles, recipe.checkpoints(), strict=True)):
            self._add_role(place, title, spec, recipe)
        rows = min(len(titles), _MOST_ROLES)
        self._area.setFixedHeight(rows * (self.roles[0].sizeHint().height() + SPACE // 2) + SPACE)

    def _add_role(self, place: int, title: str, spec: CheckpointSpec, recipe: Recipe) -> None:
        titles = kind_titles()
        if kind_of(spec.prompt_format) != OWN and not spec.system:
            del titles[OWN]
        else:
            titles[OWN] = format_title(spec.prompt_format)
        own = kind_of(spec.prompt_format) if OWN not in titles else OWN
        box = choice_of(titles, FOLLOWS if recipe.follows(spec) else own)
        box.setAccessibleName(self.tr("Prompt format of the {0}").format(title))
        box.setMinimumWidth(150)
        box.currentIndexChanged.connect(self._update)
        note = QLabel()
        note.setProperty("role", "caption")
        more = QPushButton(self.tr("Options …"))
        more.setProperty("role", "link")
        more.setAccessibleName(self.tr("Options of {0}").format(title))
        more.setToolTip(self.tr("A template or a system prompt of its own"))
        more.clicked.connect(partial(self.options_wanted.emit, place))
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for widget, stretch in ((box, 1), (note, 0), (more, 0)):
            row.addWidget(widget, stretch)
        self.roles.append(box)
        self._notes.append(note)
        self._list.addRow(title, row)

    def _update(self) -> None:
        specs = self._session.recipe.checkpoints()
        if len(specs) != len(self.roles):
            return
        known = [has_chat_template(self._session, place) for place in range(len(specs))]
        self.common.update(None if None in known else any(known))
        chat = self.common.value.prompt == CHAT
        for box, note, has_template in zip(self.roles, self._notes, known, strict=True):
            offer_chat(box, has_template is not False or box.currentData() == CHAT)
            lacks = has_template is False and chat and box.currentData() == FOLLOWS
            note.setText(self.tr("no chat template: reads plain text") if lacks else "")
        problem = self._problem()
        self._error.setText(problem)
        self._error.setVisible(bool(problem))
        self._buttons.set_usable(not problem)
        self.resize(self.size().expandedTo(self.sizeHint()))

    def _problem(self) -> str:
        if not self._session.editable:
            return self.tr("Models cannot be changed during a run. Press Esc to stop the run.")
        return self.common.problem

    # User actions

    def edited(self) -> Recipe:
        """The recipe with the formats as edited in the dialog."""
        recipe, common = self._session.recipe, self.common.value
        changed = replace(recipe, prompt=common.prompt, system=common.system)
        for place, (box, spec) in enumerate(zip(self.roles, recipe.checkpoints(), strict=True)):
            lacks = has_chat_template(self._session, place) is False
            chosen = {
                FOLLOWS: common.without_chat_template if lacks else common,
                PLAIN: PromptFormat(PLAIN),
                CHAT: PromptFormat(CHAT),
                OWN: spec.prompt_format,
            }[box.currentData()]
            changed = changed.with_role(place, spec.with_format(chosen))
        return changed

    def apply(self) -> None:
        """Apply the formats of all roles, as one change that can be undone."""
        self._session.set_formats(self.edited())

    def accept(self) -> None:
        self.apply()
        super().accept()


def _formats(recipe: Recipe) -> tuple[object, ...]:
    """What the dialog shows of a recipe."""
    roles = tuple((spec.source, spec.prompt_format) for spec in recipe.checkpoints())
    return recipe.prompt_format, roles, tuple(pair.name for pair in recipe.pairs)


def _wrapped(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label
