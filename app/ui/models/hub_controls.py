"""The widgets of the Hub dialog; their behaviour is in ``hub_dialog``."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.models.download_bar import DownloadBar
from app.ui.models.hub_results import HubResults
from app.ui.state.models.downloads import Downloads
from app.ui.theme import SPACE
from app.ui.translation import translate
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.message_label import MessageLabel
from app.ui.widgets.row_table import make_table

_SIZE = QSize(760, 600)


class HubControls(QDialog):
    """Lays out the search field, the results, the description of the selected model and buttons."""

    def __init__(self, downloads: Downloads, memory: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.results = HubResults(memory, self)
        self._make_controls()
        self._lay_out(DownloadBar(downloads))

    def _make_controls(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(translate("HubControls", "Models from the Hub"))
        self.resize(_SIZE)
        self.text = QLineEdit()
        self.text.setPlaceholderText(translate("HubControls", "owner/name, or search terms"))
        self.text.setAccessibleName(translate("HubControls", "Model or search terms"))
        self.text.setClearButtonEnabled(True)
        self.search = QPushButton(translate("HubControls", "&Search"))
        self.table = make_table(self.results, translate("HubControls", "Models"))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.role = ChoiceBox()
        self.role.setAccessibleName(translate("HubControls", "Role"))
        self.revision = QLineEdit("main")
        self.revision.setAccessibleName(translate("HubControls", "Revision"))
        self.revision.setToolTip(
            translate("HubControls", "Branch, tag or commit; press Enter to look it up")
        )
        self.facts = MessageLabel()
        self.message = MessageLabel()
        self.check = QPushButton(translate("HubControls", "&Check"))
        self.check.setToolTip(
            translate(
                "HubControls",
                "Download only the tokenizer and compare the vocabularies",
            )
        )
        self.cancel_check = QPushButton(translate("HubControls", "Stop checking"))
        self.action = QPushButton()
        self.action.setProperty("role", "primary")
        self.close_button = QPushButton(translate("HubControls", "Close"))
        for button in (self.search, self.check, self.cancel_check, self.action, self.close_button):
            button.setAutoDefault(False)

    def _lay_out(self, bar: DownloadBar) -> None:
        top = QHBoxLayout()
        top.setSpacing(SPACE)
        top.addWidget(self.text, 1)
        top.addWidget(self.search)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(translate("HubControls", "&Revision"), self.revision)
        form.addRow(translate("HubControls", "&Use as"), self.role)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.check)
        buttons.addWidget(self.cancel_check)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.action)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + 4)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.facts)
        layout.addLayout(form)
        layout.addWidget(self.message)
        layout.addWidget(bar)
        layout.addLayout(buttons)
