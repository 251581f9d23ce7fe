"""Field of the policy of alpha: its kind, its numbers, and what it does in plain words."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.decoding.alpha_policy import AlphaPolicy, PolicyKind, parse_policy
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import NumberBox, choice_of
from app.ui.widgets.paragraph import paragraph

_MOST_BITS = 64.0
_MOST_FACTOR = 1000.0
_MOST_TOKENS = 1_000_000
_DEFAULTS = {
    PolicyKind.RAMP: (0.0, 1.0, 40.0),
    PolicyKind.ENTROPY: (1.0, 2.0),
    PolicyKind.CONFIDENCE: (0.8, 0.95),
    PolicyKind.AGREEMENT: (0.5, 0.9),
    PolicyKind.KL: (0.5,),
}
"""The numbers that a kind has when it is chosen; one for each box."""


class AlphaPolicyField(QWidget):
    """Edits ``alpha_policy`` of sampling settings."""

    edited = Signal(str)
    """A policy was chosen, or a number of it was changed; the policy as it is written."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = AlphaPolicy()
        self.kind = choice_of(self._titles(), PolicyKind.CONSTANT)
        self.kind.setToolTip(
            self.tr("How the alphas of all pairs change from token to token while it generates.")
        )
        self.numbers: list[NumberBox] = []
        self._labels: list[QLabel] = []
        self._about = paragraph(role="hint")
        self._rows = QGridLayout()
        self._rows.setHorizontalSpacing(SPACE)
        self._rows.setVerticalSpacing(SPACE // 2)
        self._rows.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.kind)
        layout.addLayout(self._rows)
        layout.addWidget(self._about)
        self._show_boxes(PolicyKind.CONSTANT, ())
        self.kind.currentIndexChanged.connect(self._choose)

    def _titles(self) -> dict[str, str]:
        return {
            PolicyKind.CONSTANT: self.tr("constant"),
            PolicyKind.RAMP: self.tr("ramp"),
            PolicyKind.THINKING: self.tr("only while thinking"),
            PolicyKind.ANSWER: self.tr("only in the answer"),
            PolicyKind.ENTROPY: self.tr("where the base is undecided"),
            PolicyKind.CONFIDENCE: self.tr("where the base is not sure"),
            PolicyKind.AGREEMENT: self.tr("where base and expert differ"),
            PolicyKind.KL: self.tr("limit of KL"),
        }

    def _about_of(self, kind: PolicyKind) -> str:
        match kind:
            case PolicyKind.CONSTANT:
                return ""
            case PolicyKind.RAMP:
                return self.tr(
                    "All α are multiplied by a factor that goes from one number to the other."
                )
            case PolicyKind.THINKING:
                return self.tr("The answer after the thinking is the base's own.")
            case PolicyKind.ANSWER:
                return self.tr("The base thinks without the pairs.")
            case PolicyKind.ENTROPY:
                return self.tr(
                    "Below the first number the token is the base's own, from the second on the "
                    "pairs have their whole α."
                )
            case PolicyKind.CONFIDENCE:
                return self.tr(
                    "The probability of the base's first choice: up to the first number the pairs "
                    "have their whole α, from the second on the token is the base's own."
                )
            case PolicyKind.AGREEMENT:
                return self.tr(
                    "The probability that base and expert share: up to the first number a pair has "
                    "its whole α, from the second on none."
                )
            case PolicyKind.KL:
                return self.tr(
                    "All α are made smaller at a token until the tuned distribution is at most so "
                    "far from the base's."
                )

    def _boxes_of(self, kind: PolicyKind) -> list[tuple[str, NumberBox]]:
        """The titles and the boxes of the numbers of a kind."""
        low, high = self.tr("from"), self.tr("to")
        match kind:
            case PolicyKind.RAMP:
                return [
                    (low, NumberBox(-_MOST_FACTOR, _MOST_FACTOR, 0.1, 4)),
                    (high, NumberBox(-_MOST_FACTOR, _MOST_FACTOR, 0.1, 4)),
                    (self.tr("tokens"), NumberBox(1, _MOST_TOKENS, 10, 0)),
                ]
            case PolicyKind.ENTROPY:
                return [
                    (self.tr("from, in bits"), NumberBox(0, _MOST_BITS, 0.25, 4)),
                    (self.tr("to, in bits"), NumberBox(0, _MOST_BITS, 0.25, 4)),
                ]
            case PolicyKind.CONFIDENCE | PolicyKind.AGREEMENT:
                return [(low, NumberBox(0, 1, 0.05, 4)), (high, NumberBox(0, 1, 0.05, 4))]
            case PolicyKind.KL:
                return [(self.tr("bits"), NumberBox(0, _MOST_BITS, 0.1, 4))]
            case _:
                return []

    def show_policy(self, text: str) -> None:
        """Show a policy, unless it is the one that was shown or edited last."""
        policy = parse_policy(text)
        if policy == self._shown:
            return
        with QSignalBlocker(self.kind):
            self.kind.setCurrentIndex(self.kind.findData(policy.kind))
        self._show_boxes(policy.kind, policy.numbers)

    def _choose(self) -> None:
        kind = PolicyKind(self.kind.currentData())
        self._show_boxes(kind, _DEFAULTS.get(kind, ()))
        self.edited.emit(self._shown.text)

    def _show_boxes(self, kind: PolicyKind, numbers: tuple[float, ...]) -> None:
        """Make the boxes of a kind, with its numbers; a threshold alone fills both boxes."""
        for old in (*self._labels, *self.numbers):
            self._rows.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._labels, self.numbers = [], []
        made = self._boxes_of(kind)
        for row, (title, box) in enumerate(made):
            label = QLabel(title)
            label.setProperty("role", "caption")
            label.setBuddy(box)
            box.setAccessibleName(title)
            box.show_value(numbers[min(row, len(numbers) - 1)])
            box.valueChanged.connect(partial(self._on_number, row))
            self._rows.addWidget(label, row, 0)
            self._rows.addWidget(box, row, 1)
            self._labels.append(label)
            self.numbers.append(box)
        self._about.setText(self._about_of(kind))
        self._about.setVisible(bool(self._about.text()))
        self._shown = AlphaPolicy(kind, numbers)

    def _on_number(self, row: int, _: float) -> None:
        """Take the numbers; the end of a threshold is never below its beginning."""
        kind = self._shown.kind
        values = [box.value() for box in self.numbers]
        if len(values) == 2 and values[0] > values[1]:
            self.numbers[1 - row].show_value(values[row])
            values[1 - row] = values[row]
        if len(values) == 2 and values[0] == values[1]:
            values = values[:1]
        self._shown = AlphaPolicy(kind, tuple(values))
        self.edited.emit(self._shown.text)
