"""The dialog that shows what in a text corresponds to what in the tokens of a bridged pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QTimer
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.attribution.explained_token import ExplainedToken
from app.checkpoints.conversation import last_message
from app.decoding.bridge.correspondence import AlignedText
from app.errors import TuneshiftError
from app.ui.correspondence.aligned_text_view import AlignedTextView
from app.ui.correspondence.reading_legend import ReadingLegend
from app.ui.correspondence.readings import mass_line, readings_of, totals_line
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.paragraph import paragraph

if TYPE_CHECKING:
    from app.checkpoints.vocabulary.text_aligner import TextAligner

_SIZE = QSize(860, 560)
_FRAME = 48
"""Pixels of the screen that the dialog leaves free for its frame."""
_PAUSE_MS = 150
"""Milliseconds without a change of the text after which it is aligned."""
_LINES = 4
_LONGEST = 20_000
"""Characters of a typed text, and tokens of an answer, that are shown."""


class CorrespondenceDialog(QDialog):
    """Shows the last answer, or a text that is typed, in tokens of the base and of a pair."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: int | None = None
        self._titles: list[str] = []
        self._wants_answer = True
        self.setWindowTitle(self.tr("What corresponds to what"))
        self.pair = ChoiceBox()
        self.pair.setAccessibleName(self.tr("Pair"))
        self.answer = _segment(self.tr("Last answer"))
        self.own = _segment(self.tr("Own text"))
        self.text = QPlainTextEdit(last_message(session.prompt))
        self.view = AlignedTextView(self._special)
        self.legend = ReadingLegend()
        self.about, self.totals, self.mass = (paragraph() for _ in range(3))
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._pause = QTimer(self, interval=_PAUSE_MS, singleShot=True)
        self._lay_out()
        self._connect()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - QSize(_FRAME, _FRAME)))
        self._update()
        (self.view if self.answer.isChecked() else self.text).setFocus()

    def _lay_out(self) -> None:
        self.text.setAccessibleName(self.tr("Text"))
        self.text.setPlaceholderText(self.tr("Type or paste a text"))
        self.text.setTabChangesFocus(True)
        height = self.text.fontMetrics().lineSpacing() * _LINES + 2 * SPACE
        self.text.setMaximumHeight(height)
        group = QButtonGroup(self)
        head = QHBoxLayout()
        head.setSpacing(SPACE)
        for button in (self.answer, self.own):
            group.addButton(button)
            head.addWidget(button)
        head.addStretch(1)
        head.addWidget(self.pair, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addLayout(head)
        layout.addWidget(self.text)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.legend)
        for label in (self.about, self.totals, self.mass, self._buttons):
            layout.addWidget(label)
        self.mass.setProperty("role", "caption")

    def _connect(self) -> None:
        session = self._session
        self._pause.timeout.connect(self._align)
        self.text.textChanged.connect(self._pause.start)
        for button in (self.answer, self.own):
            button.clicked.connect(self._choose)
        self.pair.activated.connect(self._update)
        self.view.token_chosen.connect(self._describe)
        self._buttons.rejected.connect(self.reject)
        session.load_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)

    # What is shown

    @property
    def _aligners(self) -> Sequence[TextAligner]:
        model = self._session.model
        return model.loaded.aligners if model else ()

    def _answer(self) -> Run | None:
        """The shown run, if the loaded models generated it together."""
        run = self._session.runs.current
        if run is None or run.role is not None or not run.tokens:
            return None
        return run if run.recipe.models == self._session.recipe.models else None

    def _special(self, token_id: int) -> str:
        labels = self._session.token_labels
        return labels[token_id] if token_id < len(labels) else ""

    def _choose(self) -> None:
        self._wants_answer = self.answer.isChecked()
        self._update()

    def _update(self) -> None:
        aligners, run = self._aligners, self._answer()
        titles = [self._session.recipe.pairs[each.pair].name for each in aligners]
        if titles != self._titles:
            self._titles = titles
            self.pair.clear()
            self.pair.addItems(titles)
        self.pair.setVisible(len(titles) > 1)
        self.answer.setEnabled(run is not None)
        (self.answer if run and self._wants_answer else self.own).setChecked(True)
        self.text.setVisible(self.own.isChecked())
        self._align()

    def _align(self) -> None:
        """Align the text on a background thread."""
        session, place = self._session, self.pair.currentIndex()
        if self._job is not None:
            session.history.reading.forget(self._job)
            self._job = None
        if not 0 <= place < len(self._aligners):
            self._show((), AlignedText((), (), ()))
            self.about.setText(self.tr("No pair of another tokenizer is loaded."))
            return
        aligner, run = self._aligners[place], self._answer()
        work: Callable[[], AlignedText]
        if self.answer.isChecked() and run:
            tokens = run.tokens[:_LONGEST]
            ids = [token.token_id for token in tokens]
            work, done = partial(aligner.align_tokens, ids), partial(self._show, tokens)
        else:
            text = self.text.toPlainText()[:_LONGEST]
            work, done = partial(aligner.align, text), partial(self._show, ())
        self._job = session.history.reading.run(self, work, done, self._fail)

    def _show(self, answer: Sequence[ExplainedToken], text: AlignedText) -> None:
        readings = readings_of(text, answer)
        self.view.show_text(text, readings)
        self.legend.show_readings(set(readings))
        self.totals.setText(totals_line(text, readings))
        self.mass.setText(mass_line(answer))
        self.mass.setVisible(bool(self.mass.text()))
        self.about.setText(
            self.tr("The base's tokens above, the pair's below; a line joins the same bytes.")
        )

    def _describe(self, index: int) -> None:
        self.about.setText(self.view.describe(index))

    def _fail(self, error: TuneshiftError) -> None:
        self.about.setText(str(error))


def show_correspondence(session: Session, parent: QWidget) -> CorrespondenceDialog:
    """Show the window's one view of what corresponds to what."""
    return show_once(
        parent,
        CorrespondenceDialog,
        "correspondence",
        lambda window: CorrespondenceDialog(session, window),
    )


def _segment(text: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setCheckable(True)
    button.setProperty("role", "segment")
    return button
