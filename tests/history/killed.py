"""A program that records a run until it is killed, and prints what it has recorded and when."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from pathlib import Path

from app.history.writer import HistoryWriter
from tests.history.invented import in_force, new_run, step

PACE_SECONDS = 0.004


def main(path: Path) -> None:
    writer = HistoryWriter(path)
    writer.start()
    run = new_run()
    writer.begin(run)
    print("begun", run.id, time.monotonic_ns(), flush=True)
    writer.describe(run.id, in_force(run))
    never = threading.Event()
    for index in itertools.count():
        writer.add(run.id, *step(index))
        print("token", index, time.monotonic_ns(), flush=True)
        never.wait(PACE_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
