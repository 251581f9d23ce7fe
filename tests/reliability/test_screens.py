"""Other resolutions, moving between screens, and clocks that are set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reliability.nursery import Nursery

SCREENS = {
    "screens": [
        {"name": "plain", "x": 0, "y": 0, "width": 1920, "height": 1080, "dpr": 1},
        {"name": "fine", "x": 1920, "y": 0, "width": 1920, "height": 1080, "dpr": 2},
    ]
}


def test_moving_to_another_screen_while_generating(
    nursery: Nursery, recipe_file: Path, tmp_path: Path
) -> None:
    """The window is drawn anew there and the text goes on."""
    screens = tmp_path / "screens.json"
    screens.write_text(json.dumps(SCREENS))
    platform = f"offscreen:configfile={screens}"
    with nursery.child("moved", recipe_file, home=tmp_path, QT_QPA_PLATFORM=platform) as child:
        said = list(child.lines())
        assert child.wait() == 0
    drawn = [line for line in said if "ratio" in line]
    assert [line["screen"] for line in drawn] == ["plain", "fine", "plain"]
    assert all(line["colors"] > 20 for line in drawn)
    assert drawn[0]["tokens"] < drawn[1]["tokens"] < drawn[2]["tokens"]
    assert not any(line.get("problem") for line in said)


@pytest.mark.parametrize("factor", ["1.25", "2"])
def test_every_size_from_the_smallest_on_is_drawn_at_other_resolutions(
    nursery: Nursery, recipe_file: Path, tmp_path: Path, factor: str
) -> None:
    with nursery.child("resized", recipe_file, home=tmp_path, QT_SCALE_FACTOR=factor) as child:
        said = list(child.lines())
        assert child.wait() == 0
    drawn = [line for line in said if "ratio" in line]
    assert len(drawn) == 6
    for line in drawn:
        assert line["ratio"] == float(factor)
        assert line["picture"] == [round(side * float(factor)) for side in line["size"]]
        assert line["colors"] > 20
    assert drawn[-1]["size"] == [900, 560]  # smaller than that it does not become


def test_a_clock_that_is_set_back_changes_no_duration_and_no_order(
    nursery: Nursery, recipe_file: Path, tmp_path: Path
) -> None:
    with nursery.child("set_back", recipe_file, home=tmp_path) as child:
        said = list(child.lines())
        assert child.wait() == 0
    runs = next(line["runs"] for line in said if "runs" in line)
    assert [run["prompt"] for run in runs] == ["third", "second", "first"]  # the newest first
    for run in runs:
        assert run["rate"] is None or 0 < run["rate"] < 1e6
        assert 0 <= run["prefill"] < 100
    assert runs[0]["created"] < runs[2]["created"]  # what the clock said is kept as it was
