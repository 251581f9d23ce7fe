"""Dialog that scores the tokens of a run again with its models in another quantization."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.requantized import WEIGHTS
from app.ui.compare.compare_dialog import show_comparison
from app.ui.state.runs.rescoring import OPEN_RECIPE, Rescoring
from app.ui.state.runs.run import Run
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.tab_order import OrderedDialog
from app.ui.words.run_titles import RunTitles

_SIZE = QSize(560, 240)
_USUAL = "int8"
"""The first choice; nf4 is refused on a CPU for models whose rows it cannot divide."""


class QuantizationDialog(OrderedDialog):
    """Dialog with the dtypes and quantizations; the result is a run of the window, compared.

    Args:
        session: The state of the window.
        rescoring: Scores the tokens; it outlives the dialog.
    """

    def __init__(
        self, session: Session, rescoring: Rescoring, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._rescoring = rescoring
        self._words = RunTitles(self)
        self._run: Run | None = None
        self.setWindowTitle(self.tr("Compare quantizations"))
        self._title = ElidedLabel()
        self.weights = QComboBox()
        self.weights.setAccessibleName(self.tr("Score its tokens again in"))
        about = QLabel(
            self.tr(
                "All models of the run are loaded in this dtype or quantization, the tokens of the "
                "run are scored again, and both are compared token by token. Afterwards the window "
                "has its recipe again. Generating rounds differently from scoring: to leave that "
                "out, score the text first and compare that run."
            )
        )
        about.setWordWrap(True)
        about.setProperty("role", "caption")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.score = QPushButton(self.tr("Score and compare"))
        self.score.setProperty("role", "primary")
        self.score.setToolTip(self.tr("Load the models, score the tokens and compare (Ctrl+Enter)"))
        self.score.clicked.connect(self.start)
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.clicked.connect(rescoring.stop)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.stop, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.score, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        for button in buttons.findChildren(QPushButton):
            button.setAutoDefault(False)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self, self.start)
        form = QFormLayout()
        form.setSpacing(SPACE)
        form.addRow(self.tr("Run"), self._title)
        form.addRow(self.tr("&Score its tokens again in"), self.weights)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(SPACE + 4)
        layout.addLayout(form)
        layout.addWidget(about)
        layout.addStretch(1)
        layout.addWidget(self.message)
        layout.addWidget(buttons)
        rescoring.changed.connect(self._update)
        rescoring.finished.connect(self._compare)
        session.load_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        session.runs.generation.progressed.connect(self._on_progress)

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return _SIZE

    def open_for(self, run: Run) -> None:
        """Offer to score the tokens of ``run`` again, unless another run is being scored."""
        if self._rescoring.again is None:
            if run is not self._run:
                self._rescoring.problem = None  # of the run before
            self._run = run
            self._title.show_text(self._words.title(run))
            self.weights.clear()
            for weights in WEIGHTS:
                self.weights.addItem(weights, weights)
            if self._rescoring.may_use_open_recipe(run):
                name = self._session.recipe.name
                self.weights.addItem(self.tr("the open recipe, {0}").format(name), OPEN_RECIPE)
            self.weights.setCurrentIndex(self.weights.findData(_USUAL))
        self._update()
        self.weights.setFocus()

    def start(self) -> None:
        """Score the tokens of the run, if no run is active."""
        if self._run and self.score.isEnabled():
            weights = str(self.weights.currentData())
            called = weights if weights != OPEN_RECIPE else self._session.recipe.name
            name = self.tr("{0}: {1}").format(called, self._words.title(self._run))
            self._rescoring.start(self._run, weights, name)

    def reject(self) -> None:
        """Stop scoring; if nothing is scored, close the dialog."""
        if self._rescoring.again:
            self._rescoring.stop()
        else:
            super().reject()

    # Content

    def _on_progress(self, run: Run) -> None:
        if run is self._rescoring.again:
            self._update()

    def _update(self) -> None:
        again, session = self._rescoring.again, self._session
        ended = again is None and not self.weights.isEnabled()
        self.stop.setEnabled(again is not None)
        self.weights.setEnabled(again is None)
        self.score.setEnabled(again is None and self._run is not None and session.editable)
        if ended:
            self.weights.setFocus()
        problem = self._rescoring.problem
        if again and session.load_state is not LoadState.LOADED:
            said = self.tr("Loading the models …")
        elif again and self._run:
            said = self.tr("{0} of {1} tokens are scored.").format(
                f"{len(again.tokens):,}", f"{len(self._run.tokens):,}"
            )
        elif not session.editable:
            said = self.tr("Another run is being generated. Stop it first.")
        else:
            said = str(problem) if problem else ""
        self.message.setText(said)
        needed = self.heightForWidth(self.width())
        if self.isVisible() and needed > self.height():
            self.resize(self.width(), needed)

    def _compare(self, run: Run, again: Run) -> None:
        show_comparison(self._session, self, run, again)
        self.accept()


def show_quantizations(session: Session, rescoring: Rescoring, parent: QWidget) -> None:
    """Open or raise the dialog for the shown run."""
    run = session.runs.current
    if run is None:
        return
    dialog = show_once(
        parent,
        QuantizationDialog,
        "quantizations",
        lambda above: QuantizationDialog(session, rescoring, above),
    )
    dialog.open_for(run)
