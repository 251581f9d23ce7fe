"""Column with the answer of one role."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.compare.run_text import RunText
from app.ui.state.runs.run import Run
from app.ui.theme import SMALL, SPACE, current_theme
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.words.run_titles import RunTitles
from app.ui.words.token_counts import token_count

_WIDTH = 216
_SWATCH = 10


class _Swatch(QWidget):
    """Colour marks of the roles' pairs: filled for an expert, a ring for an anti-expert."""

    def __init__(self, roles: Sequence[int | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._roles = [role for role in roles if role]  # base and tuned have no colour
        self.setFixedSize(QSize(max(len(self._roles) * (_SWATCH + 3), 1), _SWATCH + 2))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, role in enumerate(self._roles):
            pair, antiexpert = divmod(role - 1, 2)
            color = theme.pair_color(pair)
            painter.setPen(color)
            painter.setBrush(QColor(theme.surface) if antiexpert else color)
            painter.drawEllipse(place * (_SWATCH + 3) + 1, 1, _SWATCH - 1, _SWATCH - 1)
        painter.end()


class RoleColumn(QFrame):
    """Title, text and speed of an answer, with buttons to inspect and copy it.

    Args:
        run: The answer.
        roles: Indices in ``Recipe.roles`` of the roles that share this answer; None for tuned.
        title: The title; by default that of the roles.
    """

    inspect_requested = Signal(object)

    def __init__(
        self,
        run: Run,
        roles: Sequence[int | None],
        title: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.run = run
        self._roles = roles
        self._words = RunTitles(self)
        self.setProperty("role", "card")
        self.setMinimumWidth(_WIDTH)
        names = [title or self._words.role_title(run.recipe, role) for role in roles]
        heading = ElidedLabel()
        heading.setProperty("role", "section")
        heading.show_text(names[0], "\n".join(names))
        self.setAccessibleName("; ".join(names))
        others = QLabel("\n".join(names[1:]))
        others.setProperty("role", "caption")
        others.setVisible(len(names) > 1)
        others.setToolTip(
            self.tr(
                "These roles have the same checkpoint and the same "
                "prompt, so one answer stands for all of them."
            )
        )
        self.text = RunText(names[0])
        self.state = ElidedLabel()
        self.state.setProperty("role", "caption")
        small = self.state.font()
        small.setPointSizeF(small.pointSizeF() * SMALL)
        self.state.setFont(small)
        self.inspect = self._make_button(self.tr("Inspect"), self.tr("Show this run in the window"))
        self.inspect.clicked.connect(lambda: self.inspect_requested.emit(self.run))
        self.copy = self._make_button(self.tr("Copy"), self.tr("Copy the text of this run"))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.run.text))
        head = QHBoxLayout()
        head.setSpacing(SPACE // 2 + 2)
        if any(roles):
            head.addWidget(_Swatch(roles))
        head.addWidget(heading, 1)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE // 2)
        foot.addStretch(1)
        foot.addWidget(self.copy)
        foot.addWidget(self.inspect)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 2, SPACE, SPACE // 2 + 2, SPACE // 2)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(head)
        layout.addWidget(others)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.state)
        layout.addLayout(foot)
        self.update_text()

    def _make_button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("role", "flat")
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.setAccessibleName(f"{text}: {self.accessibleName()}")
        return button

    def take(self, run: Run) -> None:
        """Show another run, which has replaced the answer."""
        self.run = run
        self.update_text()

    def update_text(self) -> None:
        """Append new tokens and update the state."""
        run = self.run
        self.text.show_run(run)
        parts = [token_count(len(run.tokens))] if run.tokens else []
        if speed := run.tokens_per_second:
            parts.append(self.tr("{0} tokens/s").format(f"{speed:.0f}"))
        parts.append(self._words.state(run))
        self.state.show_text(" · ".join(part for part in parts if part))
        for button in (self.copy, self.inspect):
            button.setEnabled(bool(run.tokens))
