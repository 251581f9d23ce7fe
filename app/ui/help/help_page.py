"""The help page: the method in one picture, bits, the plot, the demo, and where to go on."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.help.method_picture import MethodPicture
from app.ui.theme import SPACE

_WIDTH, _HEIGHT = 700, 620
_FRAME = 96
"""Height of the screen in pixels that the dialog leaves free."""


class HelpPage(QDialog):
    """Explains the program; stays open beside the window, and needs no network."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("How Tuneshift works"))
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 2 * SPACE, 0)
        column.setSpacing(SPACE)
        for place, (title, text) in enumerate(self._sections()):
            if place:
                column.addSpacing(SPACE)
            column.addWidget(_heading(title))
            if place == 0:
                column.addWidget(MethodPicture())
            column.addWidget(_paragraph(text))
        column.addStretch(1)
        self._area = QScrollArea()
        self._area.setWidget(page)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # arrow keys scroll
        self._area.setAccessibleName(self.windowTitle())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._area, 1)
        layout.addWidget(buttons)
        self.resize(_WIDTH, min(_HEIGHT, self.screen().availableSize().height() - _FRAME))
        self._area.setFocus()

    def _sections(self) -> tuple[tuple[str, str], ...]:
        """The heading and the text of each section."""
        return (
            (
                self.tr("The method: proxy-tuning"),
                self.tr(
                    "A large model, the base, writes. At every token, two small models read the "
                    "same text: an expert, which was tuned, and its anti-expert, the same model "
                    "before it was tuned. Their difference is what tuning changed. It is "
                    "multiplied by α and added to what the base says; then a token is sampled. "
                    "The base itself is never changed. With several pairs, all differences are "
                    "added.\n\n"
                    "Each model gives every token of its vocabulary a number, its logit, and "
                    "softmax makes probabilities of them: softmax(base + α (expert − "
                    "anti-expert)). With α = 0 the text is that of the base alone.\n\n"
                    "Liu et al., Tuning Language Models by Proxy, arXiv 2401.08565.",
                ),
            ),
            (
                self.tr("Colours and bits"),
                self.tr(
                    "The colour of a token is its shift: how much more or less probable the pairs "
                    "made it. It is measured in bits: +1 bit is twice as probable as under the "
                    "base alone, +3 bits eight times, −1 bit half. An underlined token is a flip: "
                    "the base alone would have had another most probable token there. Select a "
                    "token to see its candidates.",
                ),
            ),
            (
                self.tr("The plot"),
                self.tr(
                    "Two lines: the probability of each token under the base alone (dashed) and "
                    "as tuned (solid). The bars between them say how much of that came from each "
                    "pair: above zero a pair raised the token, below zero it lowered it. The bars "
                    "of a token add up exactly to the distance between its two lines.",
                ),
            ),
            (
                self.tr("Why the demo talks nonsense at times"),
                self.tr(
                    "The models of the demo have two to seven million parameters, a thousandth of "
                    "usual ones, so that they ship with the program and start at once. They have "
                    "learned how plays, stories and sums look, not what is true. They show what α "
                    "does: move it while tokens are generated. For answers that make sense, take "
                    "models of your own.",
                ),
            ),
            (
                self.tr("Where to go on"),
                self.tr(
                    "File → New recipe: choose a base from the models on this disk, and the "
                    "program proposes the rest. Chat, above the text: a conversation instead of "
                    "one prompt. Runs: every text of this session, with its branches; File → "
                    "History: of all sessions. Inspect: from one flip to the next. Generate → "
                    "Evaluate: does tuning help on a task? Help → Keyboard shortcuts: everything "
                    "by keys.",
                ),
            ),
        )


def _heading(title: str) -> QLabel:
    label = QLabel(title)
    label.setProperty("role", "section")
    return label


def _paragraph(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
