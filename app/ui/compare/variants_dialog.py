"""Dialog that generates several variants of one text or answer and shows them side by side."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.conversation import RunPrompt, last_message
from app.decoding.noise import new_seed
from app.ui.compare.role_column import RoleColumn
from app.ui.state.runs.run import Run
from app.ui.state.runs.seed_variants import Variants
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.tab_order import OrderedDialog
from app.wording import visible

_FRAME = QSize(24, 64)
"""Space for the window frame."""
_SIZE = QSize(1180, 560)
_MOST = 12
_USUAL = 4


class VariantsDialog(OrderedDialog):
    """Dialog with a column for each variant; the variants are runs of the window.

    The variants of an answer are answers to the same message.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.variants = Variants(session.runs, self)
        self.columns: list[RoleColumn] = []
        self.setWindowTitle(self.tr("Variants"))
        self._asked = ElidedLabel()
        self.count = QSpinBox()
        self.count.setRange(2, _MOST)
        self.count.setValue(_USUAL)
        self.count.setAccessibleName(self.tr("Number of variants"))
        self.count.setToolTip(self.tr("Number of variants"))
        self.ask = self._make_button(self.tr("Generate"), self.start)
        self.ask.setToolTip(self.tr("Generate variants of the prompt, each with a new seed"))
        self.stop = self._make_button(self.tr("Stop"), session.runs.stop)
        self._state = QLabel()
        self._state.setProperty("role", "caption")
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(SPACE)
        self._lay_out()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - _FRAME))
        self.variants.changed.connect(self._show)
        session.runs.generation.progressed.connect(self._on_progress)
        session.runs.run_changed.connect(self._update)
        self._update()

    def _make_button(self, text: str, slot: object) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        page = QWidget()
        page.setLayout(self._row)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close = self._make_button(self.tr("Close"), self.reject)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE)
        foot.addWidget(self._state, 1)
        for widget in (self.count, self.ask, self.stop, close):
            foot.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(SPACE + 4)
        layout.addWidget(self._asked)
        layout.addWidget(area, 1)
        layout.addLayout(foot)

    def open_for(self, prompt: RunPrompt) -> None:
        """Offer variants of ``prompt``, or of the last answer in a conversation."""
        self._asked.show_text(visible(last_message(prompt)))
        self.ask.setFocus()

    def start(self) -> None:
        """Generate the variants, of the text or of the last answer."""
        runs, chat, prompt = self._session.runs, self._session.chat, self._session.prompt
        self._asked.show_text(visible(last_message(prompt)))
        if self._session.mode.chat:
            self.variants.start(self.count.value(), lambda: chat.regenerate(len(chat.turns) - 1))
        else:
            self.variants.start(self.count.value(), lambda: runs.generate(prompt, seed=new_seed()))

    # Content

    def _show(self) -> None:
        made = self.variants.made
        kept = [column for column in self.columns if column.run in made]
        for column in self.columns:
            if column not in kept:
                self._row.removeWidget(column)
                column.hide()
                column.deleteLater()
        self.columns = kept
        for run in made[len(kept) :]:
            seed = run.recipe.sampling.seed
            column = RoleColumn(run, [None], self.tr("Seed {0}").format(seed))
            column.inspect_requested.connect(self._inspect)
            self.columns.append(column)
            self._row.addWidget(column, 1)
        self._update()

    def _on_progress(self, run: Run) -> None:
        for column in self.columns:
            if column.run is run:
                column.update_text()

    def _update(self) -> None:
        running, session = self._session.runs.running, self._session
        busy = running or self.variants.waiting > 0
        answered = not session.mode.chat or bool(session.chat.turns)
        self.ask.setEnabled(not busy and answered and not session.unfinished)
        self.stop.setEnabled(running)
        made = len(self.variants.made)
        if busy and made:
            self._state.setText(self.tr("{0} of {1}").format(made, made + self.variants.waiting))
        else:
            self._state.setText("" if answered else self.tr("Write a message first."))
        for column in self.columns:
            column.update_text()

    def _inspect(self, run: Run) -> None:
        if run in self._session.runs.all:
            self._session.runs.show(run)
        window = self.parentWidget()
        if window:
            window.activateWindow()


def show_variants(session: Session, parent: QWidget, prompt: RunPrompt) -> None:
    """Open or raise the dialog for a prompt."""
    dialog = show_once(
        parent, VariantsDialog, "variants", lambda above: VariantsDialog(session, above)
    )
    dialog.open_for(prompt)
