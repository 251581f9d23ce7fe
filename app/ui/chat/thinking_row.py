"""Row above an answer whose model thought before it: opens and closes the thinking."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QToolButton, QWidget

from app.decoding.thinking import Kind, Segment, split_thinking
from app.ui.state.runs.run import Run
from app.ui.theme import SMALL


def thinking_segments(run: Run) -> list[Segment]:
    """The thinking and its marks at the beginning of a run; empty without thinking."""
    segments = split_thinking(run.text, run.thinking)
    count = next(
        (at for at, part in enumerate(segments) if part.kind is Kind.ANSWER), len(segments)
    )
    before = segments[:count]
    return before if any(part.kind is Kind.THINKING for part in before) else []


def thinking_tokens(run: Run) -> int:
    """Number of tokens at the beginning of a run that hold its thinking and the marks around it."""
    segments = thinking_segments(run)
    end = segments[-1].end if segments else 0
    place = 0
    for index, token in enumerate(run.tokens):
        if place >= end:
            return index
        place += len(token.text)
    return len(run.tokens) if end else 0


def thoughts(run: Run) -> str:
    """The thinking of a run, without its marks."""
    parts = [part for part in thinking_segments(run) if part.kind is Kind.THINKING]
    return "".join(run.text[part.start : part.end] for part in parts).strip()


class ThinkingRow(QToolButton):
    """Button that says how much was thought; it is down while the thinking is shown."""

    opened = Signal(bool)
    """The thinking should be shown, or hidden."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self.setProperty("role", "flat")
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setToolTip(self.tr("Show what the model thought before its answer"))
        self.setArrowType(Qt.ArrowType.RightArrow)
        self.toggled.connect(self._on_toggled)

    def show_run(self, run: Run) -> None:
        """Show how many tokens a run thought, or nothing if it did not think."""
        count = thinking_tokens(run)
        self.setVisible(bool(count))
        thinking = run.active and count == len(run.tokens)
        text = self.tr("Thinking … {0} tokens") if thinking else self.tr("Thought for {0} tokens")
        self.setText(text.format(f"{count:,}"))

    def _on_toggled(self, down: bool) -> None:
        self.setArrowType(Qt.ArrowType.DownArrow if down else Qt.ArrowType.RightArrow)
        self.opened.emit(down)
