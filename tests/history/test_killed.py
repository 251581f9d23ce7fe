"""``kill -9`` during a run loses no more than the batch that waits, which is half a second at most.

The clock of a busy machine says nothing, so batches are counted: ``make long`` measures seconds.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from app.history.archive import Archive
from app.history.database import Database
from app.history.writer import BATCH_SECONDS

pytestmark = pytest.mark.kill

_TIMES = 10


@pytest.mark.parametrize("time_", range(_TIMES))
def test_kill_loses_only_the_batch_that_waits(path: Path, time_: int) -> None:
    assert BATCH_SECONDS < 0.5
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.history.killed", str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    drawn = random.Random(time_)
    batches, tokens = drawn.randrange(5), drawn.randrange(60)
    lines = []
    for line in process.stdout:
        lines.append(line.split())
        batches -= lines[-1][0] == "written"
        tokens -= batches <= 0 and lines[-1][0] == "token"
        if batches <= 0 and tokens < 0:
            process.kill()
            break
    lines += [line.split() for line in process.stdout if line.endswith("\n")]
    process.wait(60)
    process.stdout.close()
    written = [int(place) for kind, place in lines if kind == "written"]
    archive = Archive(Database(path))
    try:
        found = archive.find()
        kept = archive.tokens(found[0].id) if found else []
        assert [token.index for token in kept] == list(range(len(kept)))
        if written:
            assert [run.id for run in found] == [lines[0][1]]
            assert len(kept) > written[-1]
    finally:
        archive.close()
