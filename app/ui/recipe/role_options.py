"""The options dialog of one role: engine, dtype, device, quantization, prompt format."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.engine_choice import engine_of, may_be_device_of
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.spec import DTYPES, CheckpointSpec, PromptFormat
from app.ui.recipe.engine_fields import EngineFields
from app.ui.recipe.option_buttons import OptionButtons
from app.ui.recipe.prompt_fields import PromptFields, has_chat_template
from app.ui.recipe.role_caption import details
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.form_controls import ChoiceBox, choice_of
from app.ui.widgets.paragraph import paragraph
from app.ui.words.role_words import role_titles
from app.ui.words.source_titles import describe_source


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
        self._shown: tuple[CheckpointSpec, PromptFormat] | None = None
        self._source = ElidedLabel()
        self._source.setProperty("role", "caption")
        self._in_force = paragraph(role="caption")
        self.dtype = choice_of({name: name for name in DTYPES} | {"auto": self.tr("auto")}, "auto")
        self.device = choice_of(self._devices(), "auto")
        self.quantization = choice_of(self._quantizations(), "none")
        self.offload = QCheckBox(self.tr("Keep layers that do not fit in main memory"))
        self._form = QFormLayout()
        self.engine = EngineFields(self._form, self)
        self._error = paragraph(role="error")
        self._buttons = OptionButtons()
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._buttons.applied.connect(self.apply)
        self._buttons.preview_wanted.connect(self.preview_wanted)
        self._lay_out()
        self._name_all()
        self.prompt.changed.connect(self._update)
        self.engine.changed.connect(self._update)
        for box in (self.dtype, self.quantization):
            box.currentIndexChanged.connect(self._update)
        self.offload.toggled.connect(self._update)
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

    def _lay_out(self) -> None:
        form = self._form
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.insertRow(self.engine.device_row, self.tr("&Device"), self.device)
        form.addRow(self.tr("D&type"), self.dtype)
        form.addRow(self.tr("&Quantization"), self.quantization)
        form.addRow(self.tr("O&ffload"), self.offload)
        self.prompt = PromptFields(form, may_follow=True, parent=self)
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
        shown = spec, self._session.recipe.prompt_format
        if shown != self._shown:
            self._shown = shown
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
        ):
            box.setCurrentIndex(box.findData(value))
        self.offload.setChecked(spec.offload)
        self.engine.show_spec(spec)
        self.prompt.show_format(spec.prompt_format, self._session.recipe.prompt_format)

    def _update(self) -> None:
        if len(self._session.recipe.roles()) != self._roles:
            return
        edited = self._edited()
        self.engine.update(edited)
        self._form.setRowVisible(self.device, not edited.is_endpoint)
        for control in (self.dtype, self.quantization, self.offload):
            self._form.setRowVisible(control, not edited.is_endpoint and edited.engine != LLAMA_CPP)
        _offer_devices_of(engine_of(edited), self.device)
        self.prompt.update(has_chat_template(self._session, self._place))
        self.resize(self.size().expandedTo(self.sizeHint()))
        problem = self._problem()
        self._error.setText(problem)
        self._error.setVisible(bool(problem))
        self._buttons.set_usable(not problem and self._session.editable)

    def _problem(self) -> str:
        if not self._session.editable:
            return self.tr("Models cannot be changed during a run. Press Esc to stop the run.")
        return self.prompt.problem

    # User actions

    def spec(self) -> CheckpointSpec:
        """The role as edited in the dialog.

        Raises:
            RecipeError: The template has no place for the prompt.
        """
        return self._edited().with_format(self.prompt.value)

    def _edited(self) -> CheckpointSpec:
        """The role as edited, with its prompt format as it was."""
        spec = replace(self.engine.applied_to(self._spec()), device=self.device.currentData())
        if spec.engine == LLAMA_CPP:
            return replace(spec, dtype="auto", quantization="none", offload=False)
        return replace(
            spec,
            dtype=self.dtype.currentData(),
            quantization=self.quantization.currentData(),
            offload=self.offload.isChecked(),
        )

    def apply(self) -> None:
        """Apply the dialog to the role, as one change that can be undone."""
        spec = self.spec()
        self._shown = spec, self._session.recipe.prompt_format
        self._session.set_spec(self._place, spec)

    def accept(self) -> None:
        self.apply()
        super().accept()

    def focus_system(self) -> None:
        """Move the focus to the system prompt and select its text."""
        self.prompt.focus_system()


def _offer_devices_of(engine: str, box: ChoiceBox) -> None:
    """Disable the devices in a list on which an engine does not compute."""
    model = box.model()
    assert isinstance(model, QStandardItemModel)
    for index in range(box.count()):
        model.item(index).setEnabled(may_be_device_of(box.itemData(index), engine))
