"""Field of the structure that a text must have: nothing, JSON, a JSON schema or a grammar."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from app.decoding.types import GRAMMAR, JSON, JSON_SCHEMA, OFF, GenerationConfig
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import choice_of

_LINES = 5


class StructureField(QWidget):
    """Edits ``structure`` and ``structure_text`` of sampling settings."""

    edited = Signal(str, str)
    """A structure and its text were chosen; the text is empty where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = (OFF, "")
        self.kind = choice_of(
            {
                OFF: self.tr("off"),
                JSON: self.tr("JSON object"),
                JSON_SCHEMA: self.tr("JSON schema"),
                GRAMMAR: self.tr("grammar"),
            },
            OFF,
        )
        self.kind.setToolTip(
            self.tr(
                "What the text must be. Tokens that do not fit are excluded before sampling;\n"
                "the probabilities that are shown are those without this."
            )
        )
        self.text = QPlainTextEdit()
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(self.text.fontMetrics().lineSpacing() * _LINES + 2 * SPACE)
        self.text.setAccessibleName(self.tr("Text of the structure"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.kind)
        layout.addWidget(self.text)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._show_text_field()
        self.kind.currentIndexChanged.connect(self._choose)
        self.text.textChanged.connect(self._emit)

    def show_structure(self, sampling: GenerationConfig) -> None:
        """Show the structure of the settings, unless it is the one that was shown before.

        What is being written, and is not valid yet, therefore stays.
        """
        if self._shown == (sampling.structure, sampling.structure_text):
            return
        self._shown = sampling.structure, sampling.structure_text
        if self._shown == self._edited():
            return
        with QSignalBlocker(self.kind), QSignalBlocker(self.text):
            self.kind.setCurrentIndex(self.kind.findData(sampling.structure))
            self.text.setPlainText(sampling.structure_text)
        self._show_text_field()

    def reset(self, sampling: GenerationConfig) -> None:
        """Show the structure of the settings, and drop what is being written."""
        self._shown = ("", "")
        self.show_structure(sampling)

    def _choose(self) -> None:
        self._show_text_field()
        self._emit()

    def _emit(self) -> None:
        self.edited.emit(*self._edited())

    def _edited(self) -> tuple[str, str]:
        kind: str = self.kind.currentData()
        return kind, self.text.toPlainText() if kind in (JSON_SCHEMA, GRAMMAR) else ""

    def _show_text_field(self) -> None:
        kind = self.kind.currentData()
        self.text.setVisible(kind in (JSON_SCHEMA, GRAMMAR))
        self.text.setPlaceholderText(
            'root ::= "yes" | "no"' if kind == GRAMMAR else '{"type": "object", "properties": {…}}'
        )
