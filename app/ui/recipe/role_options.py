"""The options dialog of one role: dtype, device, quantization, offload and prompt format."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.spec import CHAT, DTYPES, PERSONA_TEMPLATE, PLAIN, CheckpointSpec
from app.errors import RecipeError
from app.ui.recipe.role_caption import details
from app.ui.recipe.source_titles import describe_source
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.form_controls import choice_of
from app.ui.words.role_words import role_titles

_WIDTH = 320
"""Minimum width of the column of controls in pixels; a fixed width would keep the dialog small."""

_OWN = "own"
_SYSTEM_LINES, _TEMPLATE_LINES = 3, 5


class RoleOptions(QDialog):
    """Edits one role; changes apply with OK or Apply, because they reload the role's model.

    Args:
        session: The state of the window.
        place: The index of the role in ``Recipe.roles``.
    """

    preview_wanted = Signal()
    """The user asked for the preview of the role's prompt."""

    def __init__(self, session: Session, place: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._place = place
        self._roles = len(session.recipe.roles())
        self._shown: CheckpointSpec | None = None
        self._source = ElidedLabel()
        self._source.setProperty("role", "caption")
        self._in_force = _wrapped("caption")
        self.dtype = choice_of({name: name for name in DTYPES}, "auto")
        self.device = choice_of(self._devices(), "auto")
        self.quantization = choice_of(self._quantizations(), "none")
        self.offload = QCheckBox(self.tr("Keep layers that do not fit in main memory"))
        self.format = choice_of(self._formats(), PLAIN)
        self.format.setMinimumWidth(_WIDTH)
        self.template = _editor(_TEMPLATE_LINES)
        self.system = _editor(_SYSTEM_LINES)
        self._hint = _wrapped("caption")
        self._error = _wrapped("error")
        self._buttons = self._make_buttons()
        self._lay_out()
        self._name_all()
        self.format.currentIndexChanged.connect(self._update)
        self.template.textChanged.connect(self._update)
        self.system.textChanged.connect(self._update)
        session.recipe_changed.connect(self._follow)
        session.runs.run_changed.connect(self._update)
        session.preflight_changed.connect(self._update)
        session.load_changed.connect(self._show_in_force)
        self._follow()
        self._show_in_force()

    def _show_in_force(self) -> None:
        found = details(self._session, self._place)
        self._in_force.setText(found)
        self._in_force.setVisible(bool(found))

    # Construction

    def _devices(self) -> dict[str, str]:
        names = (*self._session.devices, self._spec().device)
        return {"auto": self.tr("auto")} | {name: name for name in names if name != "auto"}

    def _quantizations(self) -> dict[str, str]:
        return {"none": self.tr("none"), "int8": self.tr("int8"), "nf4": self.tr("NF4, 4 bits")}

    def _formats(self) -> dict[str, str]:
        return {
            PLAIN: self.tr("Plain text"),
            CHAT: self.tr("Model's chat template"),
            _OWN: self.tr("Custom template"),
        }

    def _make_buttons(self) -> QDialogButtonBox:
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel | kinds.Apply)
        self._preview = QPushButton(self.tr("Apply and preview …"))
        self._preview.setToolTip(self.tr("Show the exact prompt of every role"))
        buttons.addButton(self._preview, QDialogButtonBox.ButtonRole.ResetRole)
        self._preview.clicked.connect(self._apply_and_preview)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        buttons.button(kinds.Apply).clicked.connect(self.apply)
        return buttons

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("D&type"), self.dtype)
        form.addRow(self.tr("&Device"), self.device)
        form.addRow(self.tr("&Quantization"), self.quantization)
        form.addRow(self.tr("O&ffload"), self.offload)
        form.addRow(self.tr("&Prompt format"), self.format)
        form.addRow("", self._hint)
        form.addRow(self.tr("Te&mplate"), self.template)
        form.addRow(self.tr("&System prompt"), self.system)
        self._form = form
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._source)
        layout.addWidget(self._in_force)
        layout.addLayout(form)
        layout.addWidget(self._error)
        layout.addStretch(1)
        layout.addWidget(self._buttons)

    def _name_all(self) -> None:
        for control, name, about in (
            (self.dtype, self.tr("Dtype"), self.tr("auto: the dtype of the checkpoint.")),
            (self.device, self.tr("Device"), self.tr("auto: the device set in the preferences.")),
            (
                self.quantization,
                self.tr("Quantization"),
                self.tr(
                    "Fewer bits per weight (bitsandbytes): less memory, slightly less accurate."
                ),
            ),
            (
                self.offload,
                self.tr("Offload"),
                self.tr("Offloaded layers are copied to the device for every forward pass: slow."),
            ),
            (self.format, self.tr("Prompt format"), ""),
            (self.template, self.tr("Template"), ""),
            (self.system, self.tr("System prompt"), ""),
        ):
            control.setAccessibleName(name)
            control.setToolTip(about)

    # Updates from the session

    def _spec(self) -> CheckpointSpec:
        return self._session.recipe.checkpoints()[self._place]

    def _follow(self) -> None:
        """Show the role of the recipe again if it changed."""
        roles = self._session.recipe.roles()
        if len(roles) != self._roles:
            self.reject()  # a pair was added or removed: the index names another role
            return
        _, spec = roles[self._place]
        title = role_titles(self._session.recipe)[self._place]
        self.setWindowTitle(self.tr("Options of the {0}").format(title))
        if spec != self._shown:
            self._shown = spec
            self._show(spec)
        self._update()

    def _show(self, spec: CheckpointSpec) -> None:
        over = self.tr("{0}, an adapter over {1}").format(
            describe_source(spec.source), describe_source(spec.over)
        )
        self._source.show_text(over if spec.over else describe_source(spec.source))
        for box, value in (
            (self.dtype, spec.dtype),
            (self.device, spec.device),
            (self.quantization, spec.quantization),
            (self.format, spec.prompt if spec.prompt in (PLAIN, CHAT) else _OWN),
        ):
            box.setCurrentIndex(box.findData(value))
        self.offload.setChecked(spec.offload)
        own = spec.prompt if spec.prompt not in (PLAIN, CHAT) else PERSONA_TEMPLATE
        self.template.setPlainText(own)
        self.system.setPlainText(spec.system)

    def _has_chat_template(self) -> bool | None:
        """Whether the model has a chat template; None if that is not known yet."""
        found = self._session.preflight
        if found is None or len(found.prompts) != self._roles:
            return None
        if found.recipe.checkpoints()[self._place].source != self._spec().source:
            return None
        return found.prompts[self._place].has_chat_template

    def _update(self) -> None:
        if len(self._session.recipe.roles()) != self._roles:
            return
        chosen, known = self.format.currentData(), self._has_chat_template()
        self._offer_chat(known is not False or chosen == CHAT)
        for control in (self.dtype, self.device, self.quantization, self.offload):
            self._form.setRowVisible(control, not self._spec().is_endpoint)
        self._form.setRowVisible(self.template, chosen == _OWN)
        self._form.setRowVisible(self.system, chosen != PLAIN)
        self.resize(self.size().expandedTo(self.sizeHint()))
        self._hint.setText(self._describe(chosen, known))
        problem = self._problem()
        self._error.setText(problem)
        self._error.setVisible(bool(problem))
        usable = not problem and self._session.editable
        kinds = QDialogButtonBox.StandardButton
        for kind in (kinds.Ok, kinds.Apply):
            self._buttons.button(kind).setEnabled(usable)
        self._preview.setEnabled(usable)

    def _offer_chat(self, offered: bool) -> None:
        model = self.format.model()
        if isinstance(model, QStandardItemModel):
            item = model.item(self.format.findData(CHAT))
            item.setEnabled(offered)
            title = self._formats()[CHAT]
            item.setText(title if offered else self.tr("{0} (not available)").format(title))

    def _describe(self, chosen: str, known: bool | None) -> str:
        if chosen == CHAT:
            if known is False:
                return self.tr("This model has no chat template.")
            return self.tr("Your prompt becomes the user message of the model's chat template.")
        if chosen == _OWN:
            return self.tr("{prompt} stands for your prompt, {system} for the system prompt.")
        if known:
            return self.tr(
                "The model receives your prompt unchanged, although it has a chat template."
            )
        return self.tr("The model receives your prompt unchanged.")

    def _problem(self) -> str:
        if not self._session.editable:
            return self.tr("Models cannot be changed during a run. Press Esc to stop the run.")
        try:
            self.spec()
        except RecipeError as error:
            return str(error)
        unused = "{system}" not in self.template.toPlainText()
        if self.format.currentData() == _OWN and unused and self.system.toPlainText():
            return self.tr("The template lacks {system}, so the system prompt would not be used.")
        return ""

    # User actions

    def spec(self) -> CheckpointSpec:
        """The role as edited in the dialog.

        Raises:
            RecipeError: The template has no place for the prompt.
        """
        chosen = self.format.currentData()
        return replace(
            self._spec(),
            dtype=self.dtype.currentData(),
            device=self.device.currentData(),
            quantization=self.quantization.currentData(),
            offload=self.offload.isChecked(),
            prompt=self.template.toPlainText() if chosen == _OWN else chosen,
            system="" if chosen == PLAIN else self.system.toPlainText(),
        )

    def apply(self) -> None:
        """Apply the dialog to the role, as one change that can be undone."""
        spec = self.spec()
        self._shown = spec
        self._session.set_spec(self._place, spec)

    def accept(self) -> None:
        self.apply()
        super().accept()

    def focus_system(self) -> None:
        """Move the focus to the system prompt and select its text."""
        self.system.setFocus()
        self.system.selectAll()

    def _apply_and_preview(self) -> None:
        self.apply()
        self.preview_wanted.emit()


def _editor(lines: int) -> QPlainTextEdit:
    editor = QPlainTextEdit()
    editor.setTabChangesFocus(True)
    editor.setFixedHeight(editor.fontMetrics().lineSpacing() * lines + 2 * SPACE + 4)
    return editor


def _wrapped(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
