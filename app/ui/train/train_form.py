"""The left side of the dialog that makes an expert: data, models and settings."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.errors import TuneshiftError
from app.training.data.builtin_data import data_path
from app.training.data.data_files import LINE_ENDINGS, TABLE_ENDINGS, TEXT_ENDINGS
from app.training.preparing.prepared_training import TrainingRequest
from app.ui.state.training.expert_assistant import ExpertAssistant
from app.ui.state.training.form_values import FormValues
from app.ui.theme import SPACE
from app.ui.train.more_settings import MoreSettings
from app.ui.widgets.file_dialogs import ask_file, ask_folder
from app.ui.widgets.form_controls import ChoiceBox, Disclosure, NumberBox
from app.ui.widgets.message_label import MessageLabel
from app.ui.words.candidate_words import about_base, about_candidate
from app.ui.words.source_titles import titles_of

_MOST_EPOCHS = 1000


class TrainForm(QFrame):
    """Edits the request of a training.

    Args:
        assistant: Proposes models.
        folder: Where file dialogs start.
    """

    changed = Signal()
    """A field changed."""
    search_wanted = Signal(str)
    """The user chose a folder with models."""

    def __init__(
        self, assistant: ExpertAssistant, folder: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "side")
        self._assistant = assistant
        self._folder = folder
        self.data = QLineEdit()
        self.name_data("")
        self.data.setAccessibleName(self.tr("Data"))
        self.file = QPushButton(self.tr("&File …"))
        self.folder = QPushButton(self.tr("F&older …"))
        self.negative = QCheckBox(self.tr("&Steer away from these texts"))
        self.negative.setToolTip(
            self.tr("The trained model becomes the anti-expert: such texts get less probable.")
        )
        self.base, self.small = ChoiceBox(), ChoiceBox()
        self.base_line, self.small_line = MessageLabel(), MessageLabel()
        self.search = QPushButton(self.tr("&Look in a folder …"))
        self.name = QLineEdit()
        self.name.setPlaceholderText(self.tr("as the data"))
        self.epochs = NumberBox(0, _MOST_EPOCHS, 1, 2, self.tr("auto"))
        self.epochs.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.fold = Disclosure()
        self.fold.show_text(self.tr("More settings"))
        self.fold.setAccessibleName(self.tr("More settings"))
        self.more = MoreSettings()
        self.more.setVisible(False)
        for button in (self.file, self.folder, self.search, self.fold):
            button.setAutoDefault(False)
        self._lay_out()
        self._connect()
        self._show_models()

    # Construction

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE + 4)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(_title(self.tr("1. Data")))
        layout.addWidget(self.data)
        choose = QHBoxLayout()
        choose.setSpacing(SPACE // 2)
        for button in (self.folder, self.file):
            choose.addWidget(button, 1)
        layout.addLayout(choose)
        layout.addWidget(self.negative)
        layout.addSpacing(SPACE)
        layout.addWidget(_title(self.tr("2. Models")))
        models = (
            (self.tr("&Base, which the expert tunes"), self.base, self.base_line),
            (self.tr("S&mall model, which is trained"), self.small, self.small_line),
        )
        for title, box, line in models:
            caption = QLabel(title)
            caption.setProperty("role", "caption")
            caption.setBuddy(box)
            box.setAccessibleName(title.replace("&", ""))
            for widget in (caption, box, line):
                layout.addWidget(widget)
        layout.addWidget(self.search)
        layout.addSpacing(SPACE)
        layout.addWidget(_title(self.tr("3. Settings")))
        form = QFormLayout()
        form.setHorizontalSpacing(SPACE)
        form.setVerticalSpacing(SPACE // 2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        fields = ((self.tr("&Name"), self.name), (self.tr("&Epochs"), self.epochs))
        for title, edit in fields:
            edit.setAccessibleName(title.replace("&", ""))
            form.addRow(title, edit)
        layout.addLayout(form)
        layout.addWidget(self.fold)
        layout.addWidget(self.more)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.file.clicked.connect(self._ask_file)
        self.folder.clicked.connect(self._ask_folder)
        self.search.clicked.connect(self._ask_models)
        self.fold.toggled.connect(self.more.setVisible)
        self.base.activated.connect(lambda _: self._assistant.choose_base(self.base.currentData()))
        self.small.activated.connect(
            lambda _: self._assistant.choose_small(self.small.currentData())
        )
        self._assistant.changed.connect(self._on_models)
        for field_ in (self.data, self.name):
            field_.textChanged.connect(self.changed)
        self.negative.toggled.connect(self.changed)
        self.epochs.valueChanged.connect(self.changed)
        self.more.changed.connect(self.changed)

    # Models

    def _on_models(self) -> None:
        self._show_models()
        self.changed.emit()

    def _show_models(self) -> None:
        assistant = self._assistant
        _fill(self.base, [model.source for model in assistant.bases], assistant.base)
        small = assistant.small
        sources = [partner.model.source for partner in assistant.smalls]
        _fill(self.small, sources, small.model if small else None)
        self.base_line.show_message(about_base(assistant.base) if assistant.base else "")
        self.small_line.show_message(about_candidate(small) if small else "")

    # The request

    @property
    def missing(self) -> str:
        """What the user must do before the data can be read, or an empty string."""
        if not self.data.text().strip():
            return self.tr("Choose a folder or a file with your texts, or drop it here.")
        if self._assistant.base is None or self._assistant.small is None:
            return self.tr("Choose a base and a small model: look in the folder that holds them.")
        try:
            re.compile(self.more.match.text())
            data_path(self.data.text().strip())
        except re.error as error:
            return self.tr("What is compared is no regular expression: {0}").format(error)
        except TuneshiftError as error:
            return str(error)
        return ""

    def request(self) -> TrainingRequest | None:
        """What the fields ask for; None while something is missing."""
        quantization = str(self.more.quantization.currentData())
        small = self._assistant.small_spec(quantization)
        base = self._assistant.base_spec(quantization)
        if self.missing or small is None or base is None:
            return None
        settings = self.more.settings()
        if self.epochs.value() > 0:
            settings["epochs"] = self.epochs.value()
        return TrainingRequest(
            data=data_path(self.data.text().strip()),
            small=small,
            base=base,
            name=self.name.text().strip(),
            prompt=self.more.prompt,
            negative=self.negative.isChecked(),
            match=self.more.match.text(),
            settings=settings,
        )

    def values(self) -> FormValues:
        """The content of the fields, for :meth:`show_values`."""
        return FormValues(
            data=self.data.text(),
            base=self._assistant.chosen_base,
            small=self._assistant.chosen_small,
            name=self.name.text(),
            negative=self.negative.isChecked(),
            epochs=self.epochs.value(),
            prompt=self.more.prompt,
            match=self.more.match.text(),
            quantization=str(self.more.quantization.currentData()),
            settings=self.more.settings(),
        )

    def show_values(self, values: FormValues) -> None:
        """Fill the fields."""
        if values.base:
            self._assistant.choose_base(values.base)
        if values.small:
            self._assistant.choose_small(values.small)
        self.data.setText(values.data)
        self.name.setText(values.name)
        self.negative.setChecked(values.negative)
        self.epochs.setValue(values.epochs)
        self.more.show_prompt(values.prompt)
        self.more.match.setText(values.match)
        quantizations = self.more.quantization
        quantizations.setCurrentIndex(max(quantizations.findData(values.quantization), 0))
        self.more.show_settings(values.settings)

    def name_data(self, name: str) -> None:
        """Name the data of a training whose folder or file is unknown, or ask for some."""
        self.data.setPlaceholderText(name or self.tr("folder or file with your texts"))

    # Dialogs

    @property
    def _start(self) -> str:
        """The folder that file dialogs show first."""
        typed = Path(self.data.text().strip()).expanduser()
        return str(typed.parent) if self.data.text().strip() else str(Path.home())

    def _ask_file(self) -> None:
        patterns = " ".join(f"*{end}" for end in (*TEXT_ENDINGS, *LINE_ENDINGS, *TABLE_ENDINGS))
        kinds = [self.tr("Texts, JSON lines and tables ({0})").format(patterns)]
        title = self.tr("Choose a file with your texts")
        ask_file(self, title, self._start, kinds, self.data.setText)

    def _ask_folder(self) -> None:
        title = self.tr("Choose the folder with your texts")
        ask_folder(self, title, self._start, self.data.setText)

    def _ask_models(self) -> None:
        title = self.tr("Choose a folder with models")
        ask_folder(self, title, self._folder or str(Path.home()), self.search_wanted.emit)


def _fill(box: ChoiceBox, sources: list[str], chosen: object) -> None:
    """List sources by their titles, and show the chosen one, without a signal."""
    with QSignalBlocker(box):
        if sources != [box.itemData(place) for place in range(box.count())]:
            box.clear()
            for source, title in zip(sources, titles_of(sources), strict=True):
                box.addItem(title, source)
        box.setCurrentIndex(box.findData(getattr(chosen, "source", "")))


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "section")
    return label
