"""The form fields of a prompt format: kind, template and system prompt."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QFormLayout, QLabel, QPlainTextEdit

from app.checkpoints.spec import (
    CHAT,
    PERSONA_TEMPLATE,
    PLAIN,
    PromptFormat,
    check_prompt_format,
)
from app.errors import RecipeError
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.translation import translate
from app.ui.widgets.form_controls import ChoiceBox, choice_of

FOLLOWS, OWN = "recipe", "own"
"""Kinds besides ``plain`` and ``chat``: the recipe's format, and a template of one's own."""

_WIDTH = 320
"""Minimum width of the column of controls in pixels; a fixed width would keep the dialog small."""

_SYSTEM_LINES, _TEMPLATE_LINES = 3, 5


class PromptFields(QObject):
    """Rows of a form that edit one prompt format.

    Args:
        form: The form to which the rows are added.
        may_follow: Whether “As the recipe” is one of the kinds.
    """

    changed = Signal()

    def __init__(self, form: QFormLayout, *, may_follow: bool, parent: QObject) -> None:
        super().__init__(parent)
        self._form = form
        self._common = PromptFormat()
        titles = kind_titles()
        if not may_follow:
            del titles[FOLLOWS]
        self.kind = choice_of(titles, PLAIN)
        self.kind.setMinimumWidth(_WIDTH)
        self.template = _editor(_TEMPLATE_LINES)
        self.system = _editor(_SYSTEM_LINES)
        self._hint = QLabel()
        self._hint.setProperty("role", "caption")
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._hint.setWordWrap(True)
        form.addRow(self.tr("&Prompt format"), self.kind)
        form.addRow("", self._hint)
        form.addRow(self.tr("Te&mplate"), self.template)
        form.addRow(self.tr("&System prompt"), self.system)
        for control, name in (
            (self.kind, self.tr("Prompt format")),
            (self.template, self.tr("Template")),
            (self.system, self.tr("System prompt")),
        ):
            control.setAccessibleName(name)
        self.kind.currentIndexChanged.connect(self.changed)
        self.template.textChanged.connect(self.changed)
        self.system.textChanged.connect(self.changed)

    def show_format(self, shown: PromptFormat, common: PromptFormat) -> None:
        """Show a format; ``common`` is that of the recipe."""
        self._common = common
        kind = kind_of(shown)
        follows = shown == common and self.kind.findData(FOLLOWS) >= 0
        self.kind.setCurrentIndex(self.kind.findData(FOLLOWS if follows else kind))
        self.template.setPlainText(shown.prompt if kind == OWN else PERSONA_TEMPLATE)
        self.system.setPlainText(shown.system)

    @property
    def value(self) -> PromptFormat:
        """The format as edited."""
        kind = self.kind.currentData()
        if kind == FOLLOWS:
            return self._common
        if kind == PLAIN:
            return PromptFormat()
        prompt = self.template.toPlainText() if kind == OWN else kind
        return PromptFormat(prompt, self.system.toPlainText())

    @property
    def problem(self) -> str:
        """What is wrong with the format as edited; empty if nothing is."""
        edited = self.value
        try:
            check_prompt_format(edited.prompt)
        except RecipeError as error:
            return str(error)
        if self.kind.currentData() == OWN and "{system}" not in edited.prompt and edited.system:
            return self.tr("The template lacks {system}, so the system prompt would not be used.")
        return ""

    def update(self, has_template: bool | None) -> None:
        """Show the rows that the kind needs; ``has_template`` is None while it is not known."""
        kind = self.kind.currentData()
        self._form.setRowVisible(self.template, kind == OWN)
        self._form.setRowVisible(self.system, kind in (CHAT, OWN))
        offer_chat(self.kind, has_template is not False or kind == CHAT)
        self._hint.setText(self._describe(kind, has_template))

    def focus_system(self) -> None:
        """Move the focus to the system prompt and select its text."""
        self.system.setFocus()
        self.system.selectAll()

    def _describe(self, kind: str, has_template: bool | None) -> str:
        if kind == FOLLOWS:
            title = format_title(self._common)
            if has_template and self._common.prompt == PLAIN:
                return self.tr(
                    "The format of the recipe: {0}, although this model has a chat template."
                ).format(title)
            return self.tr("The format of the recipe: {0}.").format(title)
        if kind == CHAT:
            if has_template is False:
                return self.tr("This model has no chat template.")
            return self.tr("Your prompt becomes the user message of the model's chat template.")
        if kind == OWN:
            return self.tr("{prompt} stands for your prompt, {system} for the system prompt.")
        if has_template:
            return self.tr(
                "The model receives your prompt unchanged, although it has a chat template."
            )
        return self.tr("The model receives your prompt unchanged.")


def kind_titles() -> dict[str, str]:
    """The titles of all kinds of prompt formats."""
    return {
        FOLLOWS: translate("PromptFields", "As the recipe"),
        PLAIN: translate("PromptFields", "Plain text"),
        CHAT: translate("PromptFields", "Model's chat template"),
        OWN: translate("PromptFields", "Custom template"),
    }


def kind_of(shown: PromptFormat) -> str:
    """The kind of a prompt format: plain, chat or a template of one's own."""
    return shown.prompt if shown.prompt in (PLAIN, CHAT) else OWN


def format_title(shown: PromptFormat) -> str:
    """A prompt format in a few words, in the middle of a sentence."""
    title = {
        PLAIN: translate("PromptFields", "plain text"),
        CHAT: translate("PromptFields", "chat template"),
        OWN: translate("PromptFields", "custom template"),
    }[kind_of(shown)]
    with_system = translate("PromptFields", "{0} with a system prompt")
    return with_system.format(title) if shown.system else title


def has_chat_template(session: Session, place: int) -> bool | None:
    """Whether the model of a role has a chat template; None while that is not known."""
    found, recipe = session.preflight, session.recipe
    if found is None or len(found.prompts) != len(recipe.roles()):
        return None
    if found.recipe.checkpoints()[place].source != recipe.checkpoints()[place].source:
        return None
    return found.prompts[place].has_chat_template


def offer_chat(box: ChoiceBox, offered: bool) -> None:
    """Enable or disable the chat template in a list of kinds."""
    model = box.model()
    if isinstance(model, QStandardItemModel):
        item = model.item(box.findData(CHAT))
        item.setEnabled(offered)
        title = kind_titles()[CHAT]
        missing = translate("PromptFields", "{0} (not available)")
        item.setText(title if offered else missing.format(title))


def _editor(lines: int) -> QPlainTextEdit:
    editor = QPlainTextEdit()
    editor.setTabChangesFocus(True)
    editor.setFixedHeight(editor.fontMetrics().lineSpacing() * lines + 2 * SPACE + 4)
    return editor
