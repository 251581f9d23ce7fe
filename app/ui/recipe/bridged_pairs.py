"""How pairs of another tokenizer are read: a choice, and a view of what corresponds to what."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.checkpoints.preflight_report import VocabularyReport
from app.checkpoints.spec import BRIDGE, SHARED, STRICT
from app.ui.correspondence.correspondence_dialog import show_correspondence
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.message_label import MessageLabel
from app.ui.words.share_words import about_shares, least_shares


class BridgedPairs(QWidget):
    """Part of the vocabulary dialog, for recipes with a pair of another tokenizer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        label = QLabel(self.tr("Pairs of &another tokenizer"))
        self.way = ChoiceBox()
        label.setBuddy(self.way)
        self.way.setAccessibleName(self.tr("Pairs of another tokenizer"))
        self.way.setToolTip(
            self.tr(
                "Through bytes: every token of the base that the pair's tokens lead to.\n"
                "Only equal tokens: those of exactly the same bytes; the pair does not change the "
                "probability of others."
            )
        )
        self.show_view = QPushButton(self.tr("What corresponds to what …"))
        self.show_view.setAutoDefault(False)
        self.about = MessageLabel()
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(label)
        row.addWidget(self.way, 1)
        row.addWidget(self.show_view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.about)
        layout.addLayout(row)
        self.way.activated.connect(self._choose)
        self.show_view.clicked.connect(lambda: show_correspondence(session, self))
        session.load_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._update()

    def show_report(self, report: VocabularyReport) -> None:
        """Show the setting of the recipe, if it matters for its roles."""
        apart = bool(report.bridged) or (bool(report.pairs_alike) and not report.usable)
        shares = least_shares(report)
        strict = self._ways == {STRICT}
        self.about.show_message(about_shares(shares, strict=strict) if shares else "")
        self.about.setVisible(bool(shares))
        self.setVisible(apart)
        self._update()

    @property
    def _ways(self) -> set[str]:
        recipe = self._session.recipe
        return {recipe.vocabulary_of(pair) for pair in range(len(recipe.pairs))}

    def _update(self) -> None:
        ways = self._ways
        titles = {
            BRIDGE: self.tr("Through bytes"),
            STRICT: self.tr("Only equal tokens"),
            SHARED: self.tr("Refused by the recipe"),
        }
        with QSignalBlocker(self.way):
            self.way.clear()
            for way, title in titles.items():
                if way != SHARED or SHARED in ways:
                    self.way.addItem(title, way)
            if len(ways) > 1:
                self.way.addItem(self.tr("Each pair its own"), "")
                self.way.setCurrentIndex(self.way.count() - 1)
            else:
                self.way.setCurrentIndex(self.way.findData(ways.pop()))
        self.way.setEnabled(self._session.editable)
        model = self._session.model
        self.show_view.setEnabled(bool(model and model.loaded.aligners))

    def _choose(self) -> None:
        way = self.way.currentData()
        if way:
            self._session.set_vocabulary(way)
