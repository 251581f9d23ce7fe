"""The settings of a training that are folded: all of them follow from the data unless given."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from app.checkpoints.spec import CHAT, PLAIN
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import NumberBox, choice_of

_CUSTOM, _AUTO = "custom", ""
_WIDTH = 64


class MoreSettings(QWidget):
    """Edits the prompt format, what is compared of answers, and the settings of LoRA."""

    changed = Signal()
    """A field changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        auto = self.tr("auto")
        self.format = choice_of(
            {
                _AUTO: auto,
                CHAT: self.tr("chat template"),
                PLAIN: self.tr("plain text"),
                _CUSTOM: self.tr("a template"),
            },
            _AUTO,
        )
        self.template = QLineEdit("{prompt}\\nAnswer:")
        self.match = QLineEdit()
        self.match.setPlaceholderText(self.tr("optional: regular expression"))
        self.match.setToolTip(
            self.tr(
                "What is compared of an answer: the last match in it. The verdict is then by how "
                "many answers are right."
            )
        )
        self.quantization = choice_of({"none": self.tr("none"), "nf4": "NF4"}, "none")
        self._numbers = {
            "rank": NumberBox(0, 1024, 1, 0, auto),
            "learning_rate": NumberBox(0, 1, 0.0001, 6, auto),
            "batch_size": NumberBox(0, 1024, 1, 0, auto),
            "most_tokens": NumberBox(0, 131_072, 64, 0, auto),
            "seed": NumberBox(-1, 2**31 - 1, 1, 0, auto),
        }
        self._numbers["seed"].setValue(-1)
        self._lay_out()
        self._connect()
        self._show_template()

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(SPACE)
        form.setVerticalSpacing(SPACE // 2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        titles = {
            "rank": self.tr("Rank"),
            "learning_rate": self.tr("Learning rate"),
            "batch_size": self.tr("Batch size"),
            "most_tokens": self.tr("Most tokens"),
            "seed": self.tr("Seed"),
        }
        rows: list[tuple[str, QWidget]] = [
            (self.tr("Prompt format"), self.format),
            (self.tr("Template"), self.template),
            (self.tr("Compare"), self.match),
            *((titles[name], box) for name, box in self._numbers.items()),
            (self.tr("Quantization"), self.quantization),
        ]
        self._labels: dict[QWidget, QLabel] = {}
        for title, field in rows:
            label = QLabel(title)
            label.setBuddy(field)
            field.setAccessibleName(title)
            self._labels[field] = label
            form.addRow(label, field)
        for box in self._numbers.values():
            box.setMinimumWidth(_WIDTH)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def _connect(self) -> None:
        self.format.currentIndexChanged.connect(self._show_template)
        for box in (self.format, self.quantization):
            box.currentIndexChanged.connect(self.changed)
        for field in (self.template, self.match):
            field.textChanged.connect(self.changed)
        for number in self._numbers.values():
            number.valueChanged.connect(self.changed)

    def _show_template(self) -> None:
        custom = self.format.currentData() == _CUSTOM
        self.template.setVisible(custom)
        self._labels[self.template].setVisible(custom)

    @property
    def prompt(self) -> str:
        """The prompt format; empty for one that suits the data."""
        chosen = str(self.format.currentData())
        return self.template.text().replace("\\n", "\n") if chosen == _CUSTOM else chosen

    def show_prompt(self, prompt: str) -> None:
        """Show a prompt format."""
        place = self.format.findData(prompt)
        if place < 0:
            place = self.format.findData(_CUSTOM)
            self.template.setText(prompt.replace("\n", "\\n"))
        self.format.setCurrentIndex(place)

    def settings(self) -> dict[str, Any]:
        """The settings that differ from those that suit the data, by name."""
        found: dict[str, Any] = {
            name: box.value() if name == "learning_rate" else int(box.value())
            for name, box in self._numbers.items()
            if box.value() > box.minimum()
        }
        return found

    def show_settings(self, settings: dict[str, Any]) -> None:
        """Show settings of :meth:`settings`."""
        for name, box in self._numbers.items():
            box.setValue(settings.get(name, box.minimum()))
