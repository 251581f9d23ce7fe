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


def save_space(
    column: QWidget,
    display: Display,
    panels: WindowPanels,
    prompt: PromptEditor,
    plot: ShiftPlot,
    hints: Sequence[HintLabel],
) -> None:
    """Let first the hints, then the prompt, then the second plot give way.

    Args:
        column: The middle column.
        display: What the plot shows.
        panels: Say whether the plot has a window of its own, where it has room.
        prompt: Becomes lower.
        plot: Loses its second plot.
        hints: Are hidden.
    """

    def hide_hints(on: bool) -> None:
        for hint in hints:
            hint.set_has_room(not on)

    def fold(on: bool) -> None:
        plot.set_folded(on and not panels.detached)

    saver = SpaceSaver(column, (hide_hints, prompt.set_low, fold))
    for changed in (display.plot_changed, display.hints.changed, panels.changed):
        changed.connect(saver.fit_anew)
