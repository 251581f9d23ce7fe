"""Speed, time left and stall."""

from __future__ import annotations

import pytest

from app.checkpoints import hub


def test_pace_says_speed_time_left_and_stall() -> None:
    pace = hub.Pace()
    assert (pace.bytes_per_second, pace.seconds_left(100), pace.stalled) == (0.0, None, False)
    for second in range(20):
        pace.add(float(second), second * 10)
    assert pace.bytes_per_second == pytest.approx(10)
    assert pace.seconds_left(290) == pytest.approx(10)
    for second in range(20, 24):
        pace.add(float(second), 190)
    assert not pace.stalled
    pace.add(24.0, 190)
    assert pace.stalled
    assert pace.seconds_left(290) is None
    pace.add(25.0, 200)
    assert not pace.stalled
