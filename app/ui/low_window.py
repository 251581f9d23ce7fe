"""What gives way in the middle column of a window that is too low for all of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.ui.state.display import Display
from app.ui.text.prompt_editor import PromptEditor
from app.ui.widgets.hint_label import HintLabel
from app.ui.widgets.space_saver import SpaceSaver
from app.ui.widgets.window_panels import WindowPanels

if TYPE_CHECKING:  # importing pyqtgraph is slow
    from app.ui.plot.shift_plot import ShiftPlot

_FEW_LINES = 2
"""Number of lines of the prompt that are shown in a low window."""


def save_space(
    column: QWidget,
    display: Display,
    panels: WindowPanels,
    prompt: PromptEditor,
    plot: ShiftPlot,
    hints: Sequence[HintLabel],
) -> None:
    """Let the hints, the prompt, the second plot, the plot, and the prompt again give way in turn.

    Args:
        column: The middle column.
        display: What the plot shows.
        panels: Say whether the plot has a window of its own, where it has room.
        prompt: Becomes lower.
        plot: Loses its second plot, then all but its readout.
        hints: Are hidden.
    """

    def hide_hints(on: bool) -> None:
        for hint in hints:
            hint.set_has_room(not on)

    def fold(on: bool) -> None:
        plot.set_folded(on and not panels.detached)

    def close(on: bool) -> None:
        plot.set_closed(on and not panels.detached)
        panels.set_plot_closed(on and not panels.detached)

    def shorten(on: bool) -> None:
        prompt.set_room(_FEW_LINES if on else None)

    def shorten_more(on: bool) -> None:
        prompt.set_room(1 if on else _FEW_LINES)

    saver = SpaceSaver(column, (hide_hints, shorten, fold, close, shorten_more))
    for changed in (display.plot_changed, display.hints.changed, panels.changed):
        changed.connect(saver.fit_anew)
