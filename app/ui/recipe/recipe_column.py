"""The recipe column: the recipe panel, and below it the vocabulary check and the memory bar."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.models.memory_bar import MemoryBar
from app.ui.recipe.recipe_panel import MARGIN, RecipePanel
from app.ui.recipe.vocabulary_view import VocabularyLine
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE

_WIDTHS = (240, 276)


class RecipeColumn(QFrame):
    """Stacks the scrolling recipe panel over a foot that stays visible."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setProperty("role", "side")
        self.setMinimumWidth(_WIDTHS[0])
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.setAccessibleName(self.tr("Cancel loading"))
        self._cancel.setProperty("role", "link")
        self._cancel.setToolTip(self.tr("Stop loading and release the models that were loaded."))
        self._cancel.clicked.connect(session.cancel_load)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(RecipePanel(session), 1)
        layout.addWidget(self._make_foot())
        session.load_changed.connect(self._update)
        self._update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(_WIDTHS[1], 600)

    def _make_foot(self) -> QFrame:
        foot = QFrame()
        foot.setProperty("role", "foot")
        line = QHBoxLayout()
        line.setSpacing(SPACE)
        line.addWidget(VocabularyLine(self._session), 1)
        line.addWidget(self._cancel)
        layout = QVBoxLayout(foot)
        layout.setContentsMargins(MARGIN, SPACE // 2, MARGIN, SPACE // 2)
        layout.setSpacing(0)
        layout.addLayout(line)
        layout.addWidget(MemoryBar(self._session))
        return foot

    def _update(self) -> None:
        self._cancel.setVisible(self._session.load_state is LoadState.LOADING)
