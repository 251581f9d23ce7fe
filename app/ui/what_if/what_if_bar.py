"""What-if bar: sliders for other alphas, and where a finished run would have differed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.decoding.types import WhatIfToken
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import SPACE, current_theme
from app.ui.what_if.what_if_words import WhatIfWords
from app.ui.widgets.alpha_slider import AlphaSlider
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.message_label import MessageLabel

_DELAY_MS = 120
"""Delay between the last move of a slider and the computation."""
_PAIRS_IN_A_ROW = 2
_LEAST_NAME, _LEAST_SLIDER = 48, 60
"""Widths in pixels with which two pairs fit beside each other in the smallest window."""
_SIDE = SPACE + 4
"""Pixels at the left and the right of what is in the bar."""


class _AlphaControl(QWidget):
    """Slider of one pair's α with its name and value."""

    def __init__(self, pair: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pair = pair
        self.alpha = 0.0
        self._name = ElidedLabel()
        self._name.setMinimumWidth(_LEAST_NAME)
        self.slider = AlphaSlider(pair)
        self.slider.setMinimumWidth(_LEAST_SLIDER)
        self._number = QLabel()
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._number.setMinimumWidth(self._number.fontMetrics().horizontalAdvance("−0.00") + 2)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self._name, 2)
        layout.addWidget(self.slider, 3)
        layout.addWidget(self._number)
        self._color()

    def show_pair(self, name: str, alpha: float) -> None:
        """Show the pair with the α of the run."""
        self._name.show_text(name)
        self.slider.setAccessibleName(self.tr("What-if α of {0}").format(name))
        self.slider.show_alpha(alpha, alpha)
        self.show_number(alpha)

    def show_number(self, alpha: float) -> None:
        """Show the α of the slider as a number."""
        self.alpha = alpha
        self._number.setText(f"{alpha:.2f}".replace("-", "−"))

    def _color(self) -> None:
        self._name.setStyleSheet(f"color: {current_theme().pair_color(self._pair).name()}")

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._color()


class WhatIfBar(QFrame):
    """Bar with a slider for each pair and the first token that would differ; hidden at first.

    Enter generates from the first different token, Esc hides the bar.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._runs = session.runs
        self._words = WhatIfWords(self)
        self._shown: tuple[Run | None, bool] | None = None
        self._run_alphas: tuple[float, ...] = ()
        self.controls: list[_AlphaControl] = []
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("What if α were different"))
        self._delay = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._delay.timeout.connect(self._compute)
        self._sliders = QGridLayout()
        self._sliders.setHorizontalSpacing(2 * SPACE)
        self._sliders.setVerticalSpacing(0)
        self.answer = MessageLabel()
        self.jump = QPushButton(self.tr("Next difference"))
        self.jump.clicked.connect(self.select_next)
        self.generate = QPushButton(self.tr("Generate from first difference"))
        self.generate.clicked.connect(self.generate_from_there)
        self.close_button = QPushButton(self.tr("Close"))
        self.close_button.clicked.connect(self.leave)
        self._title = QLabel(self.tr("What if α had been"))
        self._buttons = QWidget()
        self._head = QGridLayout()
        self._is_narrow = False
        self._lay_out()
        self.setVisible(False)
        session.runs.run_changed.connect(self._update)
        session.runs.questions.changed.connect(self._show_answer)
        session.recipe_changed.connect(self._show_answer)

    def _lay_out(self) -> None:
        self._title.setProperty("role", "section")
        for button in (self.jump, self.close_button):
            button.setProperty("role", "flat")
        buttons = QHBoxLayout(self._buttons)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(SPACE)
        for button in (self.jump, self.generate):
            buttons.addWidget(button)
        self._head.setSpacing(SPACE)
        self._head.setColumnStretch(0, 1)
        self._head.addWidget(self._title, 0, 0)
        self._head.addWidget(self._buttons, 0, 1)
        self._head.addWidget(self.close_button, 0, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_SIDE, SPACE // 2 + 2, _SIDE, SPACE // 2 + 2)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(self._head)
        layout.addLayout(self._sliders)
        layout.addWidget(self.answer)

    def _arrange(self) -> None:
        """Put the buttons below the title if they do not fit beside it."""
        parts = (self._title, self._buttons, self.close_button)
        wanted = sum(part.sizeHint().width() + SPACE for part in parts) - SPACE
        is_narrow = wanted > self.width() - self._margins
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            self._head.removeWidget(self._buttons)
            if is_narrow:
                self._head.addWidget(self._buttons, 1, 0, 1, 3, Qt.AlignmentFlag.AlignRight)
            else:
                self._head.addWidget(self._buttons, 0, 1)

    @property
    def _margins(self) -> int:
        """Pixels at both sides together, with those of the frame."""
        frame = self.contentsMargins()
        return frame.left() + frame.right() + 2 * _SIDE

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        """As narrow as the bar may become, with its buttons below the title."""
        title, buttons, closing = (
            part.minimumSizeHint().width()
            for part in (self._title, self._buttons, self.close_button)
        )
        least = max(title + SPACE + closing, buttons, self._sliders.minimumSize().width())
        return QSize(least + self._margins, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._arrange()

    # Opening and closing

    def enter(self) -> None:
        """Show the bar and focus its first slider."""
        self.setVisible(True)
        self._shown = None
        self._update()
        if self.controls:
            self.controls[0].slider.setFocus()

    def try_alphas(self, alphas: tuple[float, ...]) -> None:
        """Show the bar with these alphas, and ask what they would have changed."""
        self.enter()
        for control, alpha, used in zip(self.controls, alphas, self._run_alphas, strict=False):
            control.slider.show_alpha(alpha, used)
            control.show_number(alpha)
        self._on_moved()

    def leave(self) -> None:
        """Hide the bar and clear its answer."""
        self.setVisible(False)
        self._delay.stop()
        self._runs.questions.clear()

    # Question

    @property
    def alphas(self) -> tuple[float, ...]:
        """The alphas of the sliders."""
        return tuple(control.alpha for control in self.controls)

    def _on_moved(self) -> None:
        self._delay.start()
        self._show_answer()

    def _compute(self) -> None:
        if self._words.refusal(self._session):
            return
        if self.alphas == self._run_alphas:
            self._runs.questions.clear()
        else:
            self._runs.ask_what_if(self.alphas)

    # Answer

    def _update(self) -> None:
        if self.isHidden():
            return
        run = self._runs.current
        state = (run, run is not None and run.active)
        if state != self._shown:
            self._shown = state
            self._show_controls(run)
        self._show_answer()

    def _show_controls(self, run: Run | None) -> None:
        """Show a slider for each pair, at the alphas of the run's last token.

        Where a policy scaled these, the sliders are at the alphas before that.
        """
        self._delay.stop()
        names = run.pair_names if run else ()
        alphas: tuple[float, ...] = ()
        if run:
            sampled = run.tokens and not (run.active or run.has_policy)
            alphas = run.tokens[-1].alphas if sampled else run.alphas.latest
        self._run_alphas = alphas[: len(names)]
        while len(self.controls) > len(names):
            control = self.controls.pop()
            self._sliders.removeWidget(control)
            control.hide()
            control.deleteLater()
        while len(self.controls) < len(names):
            self._add_control(len(self.controls))
        for control, name, alpha in zip(self.controls, names, alphas, strict=False):
            control.show_pair(name, alpha)

    def _add_control(self, pair: int) -> None:
        control = _AlphaControl(pair)
        control.slider.alpha_changed.connect(control.show_number)
        control.slider.alpha_changed.connect(lambda _: self._on_moved())
        control.slider.reset_requested.connect(lambda: self._reset(pair))
        self._sliders.addWidget(control, *divmod(pair, _PAIRS_IN_A_ROW))
        self.controls.append(control)

    def _reset(self, pair: int) -> None:
        control = self.controls[pair]
        control.slider.show_alpha(self._run_alphas[pair], self._run_alphas[pair])
        control.show_number(self._run_alphas[pair])
        self._on_moved()

    def _show_answer(self) -> None:
        refusal = self._words.refusal(self._session)
        for control in self.controls:
            control.setEnabled(not refusal)
        asking = self._delay.isActive() or self._runs.questions.waiting
        self.answer.show_message(
            refusal or self._words.answer(self._runs, moved=self.alphas != self._run_alphas)
        )
        found = self._runs.questions.answer
        usable = bool(not refusal and not asking and found and found.choices)
        self.jump.setEnabled(usable)
        no_branch = self._words.branch_refusal(self._session)
        self.generate.setEnabled(usable and not no_branch)
        self.generate.setToolTip(
            no_branch
            or self.tr("Set these α and start a branch from the first different token (Enter)")
        )

    # Actions

    def _first_choice(self) -> WhatIfToken | None:
        found = self._runs.questions.answer
        return found.choices[0] if found and found.choices else None

    def select_next(self) -> None:
        """Select the next token that would differ; after the last one, the first."""
        found, at = self._runs.questions.answer, self._session.selection.token
        if not found or not found.choices:
            return
        beyond = (choice.index for choice in found.choices if at is None or choice.index > at)
        self._session.selection.select(next(beyond, found.choices[0].index))

    def generate_from_there(self) -> None:
        """Set the alphas of the recipe and start a branch from the first different token."""
        choice, found = self._first_choice(), self._runs.questions.answer
        if choice and found and self.generate.isEnabled():
            for pair, alpha in enumerate(found.alphas):
                self._session.set_alpha(pair, alpha)
            self._runs.fork(choice.index, token_id=choice.token_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.generate_from_there()
        elif event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)
