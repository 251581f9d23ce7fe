"""A program that records a run until it is killed; it says what it adds and what is written."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from app.history.database_writer import DatabaseWriter
from app.history.write_queue import Item, TokenAdded
from app.history.writer import HistoryWriter
from tests.history.invented import in_force, new_run, step

PACE_SECONDS = 0.004


def tell(*words: object) -> None:
    """Print a line in one write, so that a kill and other threads cut nothing in two."""
    os.write(sys.stdout.fileno(), f"{' '.join(map(str, words))}\n".encode())


def tell_of_batches() -> None:
    """Print the last token of each batch when it is in the database."""
    write = DatabaseWriter.write

    def write_and_tell(self: DatabaseWriter, items: Sequence[Item]) -> None:
        write(self, items)
        tokens = [item.token.index for item in items if isinstance(item, TokenAdded)]
        if tokens:
            tell("written", tokens[-1])

    DatabaseWriter.write = write_and_tell  # type: ignore[method-assign]


def main(path: Path) -> None:
    tell_of_batches()
    writer = HistoryWriter(path)
    writer.start()
    run = new_run()
    writer.begin(run)
    tell("begun", run.id)
    writer.describe(run.id, in_force(run))
    never = threading.Event()
    for index in itertools.count():
        writer.add(run.id, *step(index))
        tell("token", index)
        never.wait(PACE_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
