"""The check of a GPU: what it keeps, what it measures anew, and what it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.gpu import check as gpu_check
from tests.gpu.check import Part, check
from tests.gpu.report import as_table, passed

pytestmark = pytest.mark.process


def part(name: str, code: str, seconds: int = 60) -> Part:
    return Part(name, ("-c", code), seconds)


def use(monkeypatch: pytest.MonkeyPatch, *wanted: Part) -> None:
    monkeypatch.setattr(gpu_check, "parts", lambda device: list(wanted))


COUNTING = """
from pathlib import Path
runs = Path({path!r})
runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
print('noise'); print('{{"tried": 3, "wrong": []}}')
"""


@pytest.mark.slow
def test_a_part_that_is_done_is_not_run_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    use(monkeypatch, part("a part", COUNTING.format(path=str(runs))))
    for _ in range(2):
        found = check("cpu", 1, tmp_path / "kept")
        assert passed(found)
        assert "| a part | 3 tried, 0 wrong |" in as_table(found)
    assert runs.read_text() == "x"
    path = tmp_path / "kept" / "a-part.json"
    kept = json.loads(path.read_text())
    kept["environment"]["torch"] = "1.0"  # measured with another version
    path.write_text(json.dumps(kept))
    check("cpu", 1, tmp_path / "kept")
    assert runs.read_text() == "xx"


@pytest.mark.slow
def test_a_part_that_fails_is_told_with_what_it_printed_and_run_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(
        monkeypatch,
        part("bad", "raise SystemExit('the rows are stale')"),
        part("good", "print({})"),
    )
    found = check("cpu", 1, tmp_path)
    assert not passed(found)
    assert "the rows are stale" in as_table(found)
    assert found["parts"]["good"]["status"] == 0
    use(monkeypatch, part("bad", "print('{}')"))
    assert passed(check("cpu", 1, tmp_path))


@pytest.mark.slow
def test_a_part_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, part("hangs", "import time; time.sleep(600)", seconds=1))
    found = check("cpu", 1, tmp_path)
    assert found["parts"]["hangs"]["status"] not in (0, None)
    assert "ended after 1 s" in as_table(found)


def test_without_time_nothing_is_run_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, part("late", "print('{}')"))
    found = check("cpu", 0, tmp_path)
    assert not passed(found)
    assert "| late | not run |" in as_table(found)


@pytest.mark.slow
def test_figures_of_small_models_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = ("-m", "tests.gpu.figures", "15m,15m,15m", "--tokens", "4", "--first-token", "8")
    use(monkeypatch, Part("small pair", figures, 100))
    found = check("cpu", 2, tmp_path)
    assert passed(found), found
    table = as_table(found)
    assert "| Tuneshift, one by one |" in table
    assert "First token after 8:" in table
    assert sys.version.split()[0] in table
