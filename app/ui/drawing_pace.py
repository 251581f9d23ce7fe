"""How often the window draws while tokens arrive; without Qt.

The engine waits while the window draws, so the drawing may take only a small share of the time.
What costs more is drawn less often, within bounds that a person does not mind.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DrawingPace:
    """The share of the time that one kind of drawing may take, and the bounds of its interval.

    Attributes:
        share: Maximum share of one CPU core, within the bounds.
        shortest_ms: Minimum interval.
        longest_ms: Maximum interval, however much the drawing costs.
    """

    share: float
    shortest_ms: int
    longest_ms: int

    def interval_ms(self, cost_seconds: float) -> int:
        """The time from one drawing, which cost this much processor time, to the next."""
        wanted = 1000 * cost_seconds / self.share
        return round(min(max(wanted, self.shortest_ms), self.longest_ms))


FRAMES = DrawingPace(share=0.015, shortest_ms=33, longest_ms=240)
"""Frames, each with the tokens that came: at least four in a second."""
SLOW_EVENT_SECONDS = 0.05
"""If events are this far apart on average, each is drawn at once."""
PLOTS = DrawingPace(share=0.01, shortest_ms=600, longest_ms=2000)
"""The plots, which cost several times as much as a frame with text alone."""
FIGURES = DrawingPace(share=0.004, shortest_ms=500, longest_ms=1000)
"""Figures that count along, such as the speed: each new text lays out the window anew."""
