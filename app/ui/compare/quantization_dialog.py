"""Dialog that scores the tokens of a run again with its models in another quantization."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.compare.compare_dialog import show_comparison
from app.ui.state.runs.rescoring import OPEN_RECIPE, Rescoring
from app.ui.state.runs.run import Run
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.tab_order import OrderedDialog
from app.ui.words.role_words import role_title
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
                "The tokens of the run are scored twice: by its models as they were loaded, and by "
                "all of them in this dtype or quantization. Both are compared token by token. "
                "Afterwards the models of the window are loaded again."
            )
        )
        about.setWordWrap(True)
        self.stored = QLabel()
        self.stored.setWordWrap(True)
        self.stored.setProperty("role", "caption")
        about.setProperty("role", "caption")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.weights.currentIndexChanged.connect(self._show_stored)
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
        ViewKey.SCORE_AND_COMPARE.shortcut(self, self.start)
        form = QFormLayout()
        form.setSpacing(SPACE)
        form.addRow(self.tr("Run"), self._title)
        form.addRow(self.tr("&Score its tokens again in"), self.weights)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(SPACE + 4)
        layout.addLayout(form)
        layout.addWidget(about)
        layout.addWidget(self.stored)
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
            for weights in self._rescoring.choices(run):
                self.weights.addItem(weights, weights)
            if self._rescoring.may_use_open_recipe(run):
                name = self._session.recipe.name
                self.weights.addItem(self.tr("the open recipe, {0}").format(name), OPEN_RECIPE)
            self.weights.setCurrentIndex(max(0, self.weights.findData(_USUAL)))
        self._update()
        self.weights.setFocus()

    def _show_stored(self) -> None:
        """Name the roles that have the same weights on both sides."""
        run = self._run
        names = []
        if run and self.weights.currentData() not in (None, OPEN_RECIPE):
            names = [role_title(name, run.recipe) for name in self._rescoring.as_stored(run)]
        self.stored.setText(
            self.tr("Not compared, since their weights are used as they are stored: {0}.").format(
                ", ".join(names)
            )
        )
        self.stored.setVisible(bool(names))

    def start(self) -> None:
        """Score the tokens of the run, if no run is active."""
        if self._run and self.score.isEnabled():
            title = self._words.title(self._run)
            named = self.tr("{0}: {1}")
            weights = str(self.weights.currentData())
            self._rescoring.start(self._run, weights, lambda called: named.format(called, title))

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
        possible = self._run is not None and self.weights.count() > 0
        self.score.setEnabled(again is None and possible and session.editable)
        if ended:
            self.weights.setFocus()
        problem = self._rescoring.problem
        if again and session.load_state is not LoadState.LOADED:
            said = self.tr("Loading the models …")
        elif again and self._run:
            said = self.tr("{0} of {1} tokens are scored.").format(
                *(f"{count:,}" for count in self._rescoring.progress)
            )
        elif not session.editable:
            said = self.tr("Another run is being generated. Stop it first.")
        elif not possible:
            said = self.tr(
                "There is nothing to compare with: endpoints and llama.cpp use weights as they are "
                "stored. Open a recipe with other files of the same models."
            )
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
