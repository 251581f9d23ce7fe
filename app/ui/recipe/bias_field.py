"""Tokens with a logit bias in the sampling settings: excluded ones, and others of the recipe."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.decoding.types import MAX_BIAS
from app.ui.state.session import Session
from app.wording import menu_text, quoted

_MOST_SHOWN = 8


class BiasField(QWidget):
    """A button for each biased token, which removes its bias; hidden while there are none."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[tuple[int, float], ...] = ()
        self._title = QLabel(self.tr("Logit bias"))
        self._title.setProperty("role", "section")
        self._title.setToolTip(
            self.tr("Added to the logits of these tokens; −100 excludes one. A click removes it.")
        )
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        self._rows.addWidget(self._title)
        session.recipe_changed.connect(self._update)
        session.load_changed.connect(self._name)
        self.hide()
        self._update()

    def _update(self) -> None:
        bias = self._session.recipe.sampling.logit_bias
        if bias != self._shown:
            self._shown = bias
            self.setVisible(bool(bias))
            self._name()

    def _name(self) -> None:
        """Show the biased tokens by their texts, or by their ids while no models are loaded."""
        while (item := self._rows.takeAt(1)) and (widget := item.widget()):
            widget.hide()
            widget.deleteLater()
        for token_id, added in self._shown[:_MOST_SHOWN]:
            self._rows.addWidget(self._make_button(token_id, added))
        more = len(self._shown) - _MOST_SHOWN
        if more > 0:
            self._rows.addWidget(QLabel(self.tr("and {0} more").format(f"{more:,}")))

    def _make_button(self, token_id: int, added: float) -> QPushButton:
        labels = self._session.token_labels
        name = quoted(labels[token_id]) if token_id < len(labels) else f"#{token_id}"
        said = (
            self.tr("{0} excluded ✕").format(name)
            if added == -MAX_BIAS
            else self.tr("{0} {1} ✕").format(name, f"{added:+g}".replace("-", "−"))
        )
        button = QPushButton(menu_text(said))
        button.setProperty("role", "link")
        button.setToolTip(self.tr("Remove the logit bias of token id {0}").format(token_id))
        button.setAccessibleName(f"{said}: {button.toolTip()}")
        button.clicked.connect(lambda: self._session.bias_token(token_id, 0.0))
        return button
