"""The endpoint dialog: address, model and number of log-probabilities of a base on a server."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.endpoint_address import ALL_LOGPROBS, DEFAULT_LOGPROBS, KIND, address_of
from app.checkpoints.endpoints.keys import where_to_put
from app.checkpoints.spec import CheckpointSpec
from app.errors import RecipeError
from app.ui.models.connection_row import ConnectionRow
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import NumberBox
from app.ui.widgets.message_label import MessageLabel

_EXAMPLE = "http://localhost:8000/v1"
_MOST = 1_000
_WIDTH = 460


class EndpointDialog(QDialog):
    """Edits the endpoint of the base; sends a request only where the connection is checked.

    Args:
        tuned: Whether a server that tunes the base itself is meant at first.
    """

    def __init__(
        self, session: Session, parent: QWidget | None = None, *, tuned: bool = False
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle(self.tr("Base from an API endpoint"))
        self.address = QLineEdit()
        self.address.setPlaceholderText(_EXAMPLE)
        self.model = QLineEdit()
        self.model.setPlaceholderText(self.tr("the server's only model"))
        self.count = NumberBox(1, _MOST, 5, 0)
        self.all = QCheckBox(self.tr("All tokens, if the server supports it"))
        self.tuned = QCheckBox(self.tr("The server holds the pairs and tunes (tuneshift vllm)"))
        self.tuned.setToolTip(
            self.tr(
                "The server was started with this recipe by “tuneshift vllm”. No weights are "
                "loaded here, and all tokens can be generated. What needs the models or all their "
                "logits here cannot be had: one role alone, forks, scoring, evaluations, drafts."
            )
        )
        self._about, self._message = MessageLabel(), MessageLabel()
        self.connection = ConnectionRow()
        self.connection.pressed.connect(self._check)
        kinds = QDialogButtonBox.StandardButton
        self._buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._lay_out()
        self._show(session.recipe.base)
        self.tuned.setChecked(tuned or session.recipe.base.tuned)
        edits = (self.tuned.toggled, self.all.toggled, self.count.valueChanged)
        for edited in (*edits, self.address.textChanged, self.model.textChanged):
            edited.connect(self.connection.forget)
            edited.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._update()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("&Address"), self.address)
        form.addRow(self.tr("&Model"), self.model)
        form.addRow("", self.tuned)
        form.addRow(self.tr("&Log-probabilities"), self.count)
        form.addRow("", self.all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._about)
        layout.addLayout(form)
        layout.addWidget(self._message)
        layout.addWidget(self.connection)
        layout.addStretch(1)
        layout.addWidget(self._buttons)

    def _show(self, base: CheckpointSpec) -> None:
        every = base.top_logprobs == ALL_LOGPROBS
        if base.is_endpoint:
            self.address.setText(address_of(base.source).url)
            self.model.setText(base.model)
        self.count.setValue(DEFAULT_LOGPROBS if every else base.top_logprobs)
        self.all.setChecked(every)

    def _update(self) -> None:
        tuned = self.tuned.isChecked()
        self.all.setEnabled(not tuned)
        self.count.setEnabled(not (tuned or self.all.isChecked()))
        unused = self.tr("A server that tunes uses all logits") if tuned else ""
        for control in (self.all, self.count):
            control.setToolTip(unused)
        self._about.show_message(
            self.tr(
                "A server that was started with this recipe by “tuneshift vllm”. It holds the base "
                "and the pairs, and generates. The tokenizers of the pairs must be here."
            )
            if tuned
            else self.tr(
                "A server with the completions API of OpenAI, such as vLLM or llama.cpp. Only "
                "tokens whose log-probabilities it returns can be generated. It must use the "
                "tokenizer of the expert pairs."
            )
        )
        problem = self._problem()
        typed = bool(self.address.text().strip())
        usable = typed and not problem and self._session.editable
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(usable)
        self.connection.button.setEnabled(usable)
        if problem and typed:
            self._message.show_message(problem, "error")
        elif typed:
            text = self.tr("The recipe does not store an API key. {0}")
            self._message.show_message(text.format(where_to_put(address_of(self.spec().source))))
        else:
            self._message.show_message("")

    def event(self, event: QEvent) -> bool:
        """Grow to the size that wrapped texts need, or else the fields give theirs up."""
        handled = super().event(event)
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            layout = self.layout()
            assert layout is not None
            width = max(_WIDTH, layout.totalMinimumSize().width())
            self.setMinimumWidth(width)
            self.setMinimumHeight(layout.totalHeightForWidth(max(self.width(), width)))
        return handled

    def _check(self) -> None:
        recipe = self._session.recipe
        self.connection.check(replace(recipe, base=self.spec()))

    def _problem(self) -> str:
        if not self._session.editable:
            return self.tr("Models cannot be changed during a run. Press Esc to stop the run.")
        try:
            self.spec()
        except RecipeError as error:
            return str(error)
        return ""

    def spec(self) -> CheckpointSpec:
        """The base as edited in the dialog.

        Raises:
            RecipeError: The address is invalid.
        """
        return replace(
            self._session.recipe.base,
            source=f"{KIND}:{self.address.text().strip().rstrip('/')}",
            over="",
            model=self.model.text().strip(),
            top_logprobs=ALL_LOGPROBS if self.all.isChecked() else int(self.count.value()),
            tuned=self.tuned.isChecked(),
        )

    def done(self, result: int) -> None:
        self.connection.close_check()
        super().done(result)

    def accept(self) -> None:
        """Apply the dialog to the base, as one change that can be undone."""
        self._session.set_spec(0, self.spec())
        super().accept()
