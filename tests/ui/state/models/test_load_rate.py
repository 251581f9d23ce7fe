"""Tests of the estimated remaining time of a load."""

from __future__ import annotations

import pytest

from app.checkpoints.status import LoadProgress
from app.ui.state.models.load_rate import LoadRate
from app.wording import duration, size


def test_each_role_has_its_own_rate() -> None:
    rate = LoadRate()
    rate.note(LoadProgress("base", 0, 1000), 10.0)
    rate.note(LoadProgress("base", 200, 1000), 14.0)  # 50 per second
    rate.note(LoadProgress("other", 0, 1000), 14.0)
    rate.note(LoadProgress("other", 500, 1000), 15.0)  # 500 per second
    assert rate.seconds_left("base") == pytest.approx(16.0)
    assert rate.seconds_left("other") == pytest.approx(1.0)


def test_bytes_before_the_first_report_do_not_count() -> None:
    rate = LoadRate()
    rate.note(LoadProgress("base", 900, 1000), 0.0)
    rate.note(LoadProgress("base", 950, 1000), 5.0)
    assert rate.seconds_left("base") == pytest.approx(5.0)


@pytest.mark.parametrize("events", [[], [(0.0, 0)], [(0.0, 0), (0.2, 900)], [(0.0, 5), (9.0, 5)]])
def test_there_is_no_estimate_too_early(events: list[tuple[float, int]]) -> None:
    rate = LoadRate()
    for now, done in events:
        rate.note(LoadProgress("base", done, 1000), now)
    assert rate.seconds_left("base") is None


def test_wording() -> None:
    assert [duration(s) for s in (0.0, 4.4, 89.0, 91.0, 5400.0)] == [
        "1 s",
        "4 s",
        "89 s",
        "2 min",
        "1.5 h",
    ]
    sizes = (4_200_000, 41_000_000, 999_400_000, 999_600_000, 23_100_000_000)
    assert [size(count) for count in sizes] == ["4.2 MB", "41 MB", "999 MB", "1.0 GB", "23.1 GB"]
