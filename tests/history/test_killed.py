"""``kill -9`` during a run loses half a second of it at most."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.history.archive import Archive
from app.history.database import Database

pytestmark = pytest.mark.kill

_MOST_LOST_NS = 500_000_000
_TIMES = 10


@pytest.mark.parametrize("time_", range(_TIMES))
def test_kill_loses_half_a_second_at_most(path: Path, time_: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.history.killed", str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    lines = []
    tokens_until_killed = random.Random(time_).randrange(300)
    for line in process.stdout:
        lines.append(line.split())
        if len(lines) > tokens_until_killed:
            killed = time.monotonic_ns()
            process.kill()
            break
    lines += [line.split() for line in process.stdout if line.endswith("\n")]
    process.wait(20)
    process.stdout.close()
    archive = Archive(Database(path))
    try:
        found = archive.find()
        run_id, begun = lines[0][1], int(lines[0][2])
        if killed - begun > _MOST_LOST_NS:
            assert [run.id for run in found] == [run_id]
        handed_over = [int(moment) for kind, _, moment in lines if kind == "token"]
        kept = archive.tokens(run_id) if found else []
        assert [token.index for token in kept] == list(range(len(kept)))
        due = sum(killed - moment > _MOST_LOST_NS for moment in handed_over)
        assert len(kept) >= due
    finally:
        archive.close()
