"""The bar above a text whose models are not those of the recipe."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.checkpoints.source_names import model_names
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.words.provenance_words import models_line


class RunModelsBar(QFrame):
    """Says which models made the shown text, and opens them; hidden if the recipe has them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._text = QLabel()
        self._text.setProperty("role", "caption")
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self.open = QPushButton()
        self.open.clicked.connect(self._open)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self._text, 1)
        layout.addWidget(self.open)
        session.runs.run_changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        self._update()

    @property
    def message(self) -> str:
        """What the bar says; empty while it is hidden."""
        return "" if self.isHidden() else self._text.text()

    def _update(self) -> None:
        run = self._session.runs.current
        foreign = run is not None and not self._session.runs.can_continue(run)
        self.setVisible(foreign)
        if run is None or not foreign:
            return
        self._text.setText(self._describe(run))
        self.open.setText(
            self.tr("Open its models") if self._missing(run) else self.tr("Open its recipe")
        )
        self.open.setToolTip(self.tr("Open the recipe “{0}” of this text").format(run.recipe.name))
        self.open.setEnabled(self._session.editable)

    def _describe(self, run: Run) -> str:
        missing = self._missing(run)
        if missing:
            return self.tr("Models of this text that are not loaded: {0}").format(
                models_line(missing)
            )
        return self.tr(
            "This text was made with other roles or options of the models, such as another prompt "
            "format."
        )

    def _missing(self, run: Run) -> list[str]:
        """The names of the models of a run that the recipe does not have."""
        mine = model_names(self._session.recipe)
        return [name for name in model_names(run.recipe) if name not in mine]

    def _open(self) -> None:
        run = self._session.runs.current
        if run and self._session.editable:
            self._session.open_recipe(run.recipe)
