"""The page of the transcript while there is no run: what to do first."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.theme import SPACE


class EmptyTranscript(QWidget):
    """Says how to generate, and offers a recipe of one's own models."""

    new_recipe_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        text = QLabel(
            self.tr(
                "<p><b>Press Generate to continue the prompt.</b></p><p>Each token is then "
                "coloured by its shift: how much the experts changed its "
                "probability.<br>You can move α while tokens are generated; the next token "
                "uses it.</p>"
            )
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text.setWordWrap(True)
        text.setProperty("role", "caption")
        self.new_recipe = QPushButton(self.tr("New recipe from your own models …"))
        self.new_recipe.setProperty("role", "link")
        self.new_recipe.clicked.connect(self.new_recipe_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, 0, SPACE, 0)
        layout.setSpacing(SPACE)
        layout.addStretch(1)
        layout.addWidget(text)
        layout.addWidget(self.new_recipe, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
