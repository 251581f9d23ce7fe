"""Preferences dialog."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.spec import DTYPES
from app.errors import SettingsError
from app.settings import PREFIX_MEGABYTES, ROW_MEGABYTES, Settings, save_settings
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.translation import LANGUAGES
from app.ui.widgets.file_dialogs import ask_folder
from app.ui.widgets.form_controls import choice_of

_WIDTH = 440


class PreferencesDialog(QDialog):
    """Dialog of theme, language, model folder, default device and dtype, and memory limits.

    Changes are applied by OK.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        settings = session.settings
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Preferences"))
        self.setMinimumWidth(_WIDTH)
        themes = {
            "system": self.tr("Same as the system"),
            "light": self.tr("Light"),
            "dark": self.tr("Dark"),
        }
        self.theme = choice_of(themes, settings.theme)
        languages = {"system": self.tr("Same as the system"), **LANGUAGES}
        self.language = choice_of(languages, settings.language)
        self.language.setToolTip(self.tr("The language changes at the next start."))
        self.folder = QLineEdit(settings.model_folder)
        self.folder.setPlaceholderText(str(Path.home()))
        devices = dict.fromkeys(("auto", *session.devices, settings.device))
        self.device = choice_of({name: name for name in devices}, settings.device)
        self.dtype = choice_of({name: name for name in DTYPES}, settings.dtype)
        self.rows = QSpinBox()
        self.rows.setRange(ROW_MEGABYTES.start, ROW_MEGABYTES.stop - 1)
        self.rows.setSuffix(self.tr(" MiB"))
        self.rows.setGroupSeparatorShown(True)
        self.rows.setSingleStep(64)
        self.rows.setValue(settings.row_megabytes)
        self.prefixes = QSpinBox()
        self.prefixes.setRange(PREFIX_MEGABYTES.start, PREFIX_MEGABYTES.stop - 1)
        self.prefixes.setSuffix(self.tr(" MiB"))
        self.prefixes.setGroupSeparatorShown(True)
        self.prefixes.setSingleStep(256)
        self.prefixes.setValue(settings.prefix_megabytes)
        self.prefixes.setToolTip(
            self.tr(
                "KV caches of earlier texts are kept in this memory, and at most in half of what "
                "is free, so that a text that begins like one of them reads only the rest."
            )
        )
        self.log_texts = QCheckBox(self.tr("Write &prompts and texts to the log"))
        self.log_texts.setToolTip(
            self.tr(
                "Only for a bug report that needs them: without this, the log contains "
                "no prompts and no texts."
            )
        )
        self.log_texts.setChecked(settings.log_texts)
        self.prove_models = QCheckBox(self.tr("Pro&ve models when they are loaded"))
        self.prove_models.setToolTip(
            self.tr(
                "A model that is loaded for the first time is compared with plain forward passes. "
                "What differs is read in a plainer way."
            )
        )
        self.prove_models.setChecked(settings.prove_models)
        self.restore_texts = QCheckBox(self.tr("Begin with the te&xts of the last session"))
        self.restore_texts.setToolTip(
            self.tr("Without this, they are in the history only (File → History).")
        )
        self.restore_texts.setChecked(settings.restore_texts)
        self.drafts = QCheckBox(self.tr("Dra&ft tokens: speculative decoding"))
        self.drafts.setToolTip(
            self.tr(
                "Faster, and every token is from the tuned distribution. Some models round "
                "differently in a block than in single steps: a text may then differ from the one "
                "without drafts. Runs remember how they were decoded."
            )
        )
        self.drafts.setChecked(settings.drafts)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("&Theme"), self.theme)
        form.addRow(self.tr("Lang&uage"), self.language)
        form.addRow(self.tr("&Model folder"), self._folder_row())
        form.addRow(self.tr("Default &device"), self.device)
        form.addRow(self.tr("Default d&type"), self.dtype)
        form.addRow(self.tr("Memory for kept &logits"), self.rows)
        form.addRow(self.tr("Memory for &KV caches of earlier texts"), self.prefixes)
        form.addRow("", self.drafts)
        form.addRow("", self.restore_texts)
        form.addRow("", self.prove_models)
        form.addRow("", self.log_texts)
        self.device.setToolTip(self.tr("Device of roles whose device is set to auto."))
        self.dtype.setToolTip(self.tr("Dtype of roles whose dtype is set to auto."))
        self.rows.setToolTip(
            self.tr(
                "Logits of the newest tokens are kept in this memory for exact what-if "
                "answers. Of older tokens only the most probable candidates are kept."
            )
        )
        for control, name in (
            (self.theme, self.tr("Theme")),
            (self.language, self.tr("Language")),
            (self.folder, self.tr("Model folder")),
            (self.device, self.tr("Default device")),
            (self.dtype, self.tr("Default dtype")),
            (self.rows, self.tr("Memory for kept logits")),
            (self.prefixes, self.tr("Memory for KV caches of earlier texts")),
            (self.drafts, self.tr("Draft tokens")),
            (self.restore_texts, self.tr("Begin with the texts of the last session")),
            (self.prove_models, self.tr("Prove models when they are loaded")),
            (self.log_texts, self.tr("Write prompts and texts to the log")),
        ):
            control.setAccessibleName(name)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addLayout(form)
        layout.addWidget(buttons)

    def _folder_row(self) -> QWidget:
        browse = QPushButton(self.tr("Browse …"))
        browse.clicked.connect(self._browse)
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.folder, 1)
        layout.addWidget(browse)
        row.setFocusProxy(self.folder)
        return row

    def _browse(self) -> None:
        title = self.tr("Choose the folder of your models")
        ask_folder(self, title, self.folder.text(), self.folder.setText)

    def accept(self) -> None:
        settings = Settings(
            theme=self.theme.currentData(),
            model_folder=self.folder.text().strip(),
            device=self.device.currentData(),
            dtype=self.dtype.currentData(),
            row_megabytes=self.rows.value(),
            prefix_megabytes=self.prefixes.value(),
            language=self.language.currentData(),
            log_texts=self.log_texts.isChecked(),
            restore_texts=self.restore_texts.isChecked(),
            drafts=self.drafts.isChecked(),
            prove_models=self.prove_models.isChecked(),
        )
        try:
            save_settings(settings)
        except SettingsError as error:
            self._session.report(error)
        self._session.set_settings(settings)
        super().accept()
