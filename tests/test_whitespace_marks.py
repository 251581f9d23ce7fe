"""White space has one notation: that of ``app.wording``, in every view, report and export."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.decoding.shown_text import show
from app.wording import MARKS, quoted, visible

APP = Path(__file__).parents[1] / "app"
OTHER_MARKS = re.compile("[¶␣␤␊⏎⮐¬]")

pytestmark = pytest.mark.unit


def test_views_and_texts_show_the_same_marks() -> None:
    for character, mark in MARKS.items():
        ((shown, exact),) = show(character)
        assert exact == character
        assert shown.startswith(mark)
        assert visible(character) == mark
    assert quoted(" the\n") == "“ the↵”"


def test_no_module_has_marks_of_its_own() -> None:
    found = [
        f"{path.relative_to(APP)}:{number}"
        for path in APP.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if OTHER_MARKS.search(line)
    ]
    assert found == []
