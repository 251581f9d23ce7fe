"""How tokens are drawn: a summary in one line, and the settings below it when opened."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.decoding.types import GenerationConfig
from app.errors import SettingsError
from app.ui.quiet_wheel import QuietWheel
from app.ui.session import Session
from app.ui.theme import SPACE

_MOST_SEED = 2**31 - 1
_STOP_LINES = 2


class SamplingPanel(QWidget):
    """Edits ``Recipe.sampling``; what cannot be is said in words and not taken."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._wheel = QuietWheel(self)
        self._header = QToolButton()
        self._header.setProperty("role", "flat")
        self._header.setCheckable(True)
        self._header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._header.setAccessibleName(self.tr("Sampling settings"))
        self._header.toggled.connect(self._open)
        self._fields: dict[str, QSpinBox | QDoubleSpinBox] = {}
        self._stop = QPlainTextEdit()
        self._error = QLabel()
        self._error.setProperty("role", "error")
        self._error.setWordWrap(True)
        self._error.hide()
        self._body = QWidget()
        self._make_body()
        self._body.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._header, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._body)
        session.recipe_changed.connect(self._update)
        self._update()

    def _make_body(self) -> None:
        tr = self.tr
        form = QFormLayout(self._body)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(SPACE)
        form.setVerticalSpacing(SPACE // 2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._add_field(form, "max_new_tokens", tr("Length"), _whole(1, 100_000), tr("Most tokens"))
        self._add_field(
            form,
            "temperature",
            tr("Temperature"),
            _decimal(0, 10, 0.1, tr("0 (greedy)")),
            tr("0 always takes the most probable token; higher is more surprising"),
        )
        off = tr("off")
        self._add_field(
            form, "top_k", tr("Top-k"), _whole(0, 1_000_000, off), tr("Only the k best tokens")
        )
        self._add_field(
            form,
            "top_p",
            tr("Top-p"),
            _decimal(0.01, 1, 0.01),
            tr("Only the best tokens that together have this probability; 1 is off"),
        )
        self._add_field(
            form,
            "min_p",
            tr("Min-p"),
            _decimal(0, 1, 0.01, off),
            tr("Only tokens with this share of the best token's probability"),
        )
        self._add_field(
            form,
            "repetition_penalty",
            tr("Repetition"),
            _decimal(0.1, 10, 0.05),
            tr("Above 1 makes tokens that were there already less probable; 1 is off"),
        )
        form.addRow(tr("Seed"), self._make_seed())
        form.addRow(tr("Stop at"), self._make_stop())
        reset = QPushButton(tr("Reset sampling"))
        reset.setProperty("role", "link")
        reset.clicked.connect(lambda: self._session.set_sampling(self._session.original_sampling))
        form.addRow(self._error)
        form.addRow(reset)

    def _add_field(
        self,
        form: QFormLayout,
        name: str,
        title: str,
        box: QSpinBox | QDoubleSpinBox,
        about: str,
    ) -> None:
        self._register(name, title, box, about)
        form.addRow(title, box)

    def _register(self, name: str, title: str, box: QSpinBox | QDoubleSpinBox, about: str) -> None:
        box.setAccessibleName(title)
        box.setToolTip(about)
        box.setKeyboardTracking(False)
        box.valueChanged.connect(lambda value: self._change(**{name: value}))
        self._wheel.watch(box)
        self._fields[name] = box

    def _make_seed(self) -> QWidget:
        box = _whole(0, _MOST_SEED)
        self._register("seed", self.tr("Seed"), box, self.tr("The same seed gives the same text"))
        dice = QToolButton()
        dice.setText(self.tr("Random"))
        dice.setProperty("role", "flat")
        dice.setToolTip(self.tr("Another seed"))
        dice.clicked.connect(lambda: self._change(seed=secrets.randbelow(_MOST_SEED)))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(box, 1)
        layout.addWidget(dice)
        return row

    def _make_stop(self) -> QWidget:
        self._stop.setAccessibleName(self.tr("Stop strings"))
        self._stop.setToolTip(
            self.tr("The text ends before any of these, one in each line; \\n is a line break")
        )
        self._stop.setPlaceholderText(self.tr("one in each line"))
        self._stop.setTabChangesFocus(True)
        self._stop.setFixedHeight(
            self._stop.fontMetrics().lineSpacing() * _STOP_LINES + 2 * SPACE + 2
        )
        self._stop.textChanged.connect(
            lambda: self._change(stop=read_stop_strings(self._stop.toPlainText()))
        )
        return self._stop

    def _change(self, **values: Any) -> None:
        try:
            self._session.set_sampling(replace(self._session.recipe.sampling, **values))
        except SettingsError as error:
            self._error.setText(str(error))
            self._error.show()
        else:
            self._error.hide()

    def _open(self, opened: bool) -> None:
        self._body.setVisible(opened)
        self._update()

    def _update(self) -> None:
        sampling = self._session.recipe.sampling
        for name, box in self._fields.items():
            with QSignalBlocker(box):
                box.setValue(getattr(sampling, name))
        if read_stop_strings(self._stop.toPlainText()) != sampling.stop:
            with QSignalBlocker(self._stop):
                self._stop.setPlainText(write_stop_strings(sampling.stop))
        arrow = Qt.ArrowType.DownArrow if self._header.isChecked() else Qt.ArrowType.RightArrow
        self._header.setArrowType(arrow)
        self._header.setText(self._summary(sampling))

    def _summary(self, sampling: GenerationConfig) -> str:
        if sampling.greedy:
            return self.tr("greedy · {0} tokens").format(sampling.max_new_tokens)
        return self.tr("temp. {0:g} · top-p {1:g} · seed {2}").format(
            sampling.temperature, sampling.top_p, sampling.seed
        )


def read_stop_strings(text: str) -> tuple[str, ...]:
    """One stop string from each line that is not empty, with ``\\n``, ``\\t`` and ``\\\\`` read."""
    return tuple(_unescape(line) for line in text.split("\n") if line)


def write_stop_strings(strings: tuple[str, ...]) -> str:
    """The inverse of :func:`read_stop_strings`."""
    escape = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t"})
    return "\n".join(string.translate(escape) for string in strings)


def _unescape(line: str) -> str:
    meanings = {"n": "\n", "t": "\t", "\\": "\\"}
    result, characters = "", iter(line)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            result += meanings.get(following, "\\" + following)
        else:
            result += character
    return result


def _whole(lowest: int, highest: int, at_lowest: str = "") -> QSpinBox:
    box = QSpinBox()
    box.setRange(lowest, highest)
    box.setSpecialValueText(at_lowest)
    return box


def _decimal(lowest: float, highest: float, step: float, at_lowest: str = "") -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(lowest, highest)
    box.setDecimals(2)
    box.setSingleStep(step)
    box.setSpecialValueText(at_lowest)
    return box
