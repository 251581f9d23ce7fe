"""Programs that begin at once: a process that has imported everything and forks one for each.

What runs in them is in ``jobs``. A child can be killed, stopped and left without a screen, and
costs tens of milliseconds where a new process costs seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.reliability.children import ROOT, environment


@dataclass
class Child:
    """A program that runs a job and says what it does, a JSON object a line."""

    nursery: Nursery
    pid: int
    told: IO[str]

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it says, until it ends; a line that a kill cut off is left out."""
        for line in self.told:
            if line.endswith("\n"):
                yield json.loads(line)

    def wait_for(self, **wanted: Any) -> dict[str, Any]:
        """The next thing it says that has these values."""
        for said in self.lines():
            if said.items() >= wanted.items():
                return said
        raise AssertionError(f"it ended before it said {wanted}")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit status, negative where a signal ended it."""
        return int(self.nursery.ask({"wait": self.pid}))


class Nursery:
    """Starts children."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, order: dict[str, Any]) -> str:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return self._process.stdout.readline()

    @contextmanager
    def child(self, job: str, *arguments: object, home: Path, **env: str) -> Iterator[Child]:
        """Run ``jobs.<job>(*arguments)`` with user folders in ``home``; killed at the end."""
        home.mkdir(exist_ok=True)
        fifo = home / "told"
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
        order = {
            "job": job,
            "arguments": list(map(str, arguments)),
            "told": str(fifo),
            "errors": str(home / "stderr"),
            "environment": environment(home, **env),
        }
        pid = int(self.ask(order))
        with fifo.open(encoding="utf-8") as told:
            child = Child(self, pid, told)
            try:
                yield child
            finally:
                self.ask({"kill": pid})

    def close(self) -> None:
        self._process.kill()  # it has nothing to put in order
        self._process.communicate(timeout=240)


def main() -> None:
    """Fork children as told on standard input."""
    jobs = importlib.import_module("tests.reliability.jobs")
    statuses: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "job" in order:
            pid = os.fork()
            if pid == 0:
                _be_born(jobs, order)
            print(pid, flush=True)
            continue
        pid = order.get("wait") or order["kill"]
        if pid not in statuses:
            if "kill" in order:
                os.kill(pid, 9)  # a child that nobody has waited for yet keeps its number
            statuses[pid] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(statuses[pid], flush=True)


def _be_born(jobs: Any, order: dict[str, Any]) -> None:
    status = 70
    try:
        os.environ.clear()
        os.environ.update(order["environment"])
        errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nowhere = os.open(os.devnull, os.O_RDWR)
        told = os.open(order["told"], os.O_WRONLY)  # waits for the reader
        for source, target in ((nowhere, 0), (told, 1), (errors, 2)):
            os.dup2(source, target)
        status = getattr(jobs, order["job"])(*order["arguments"])
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
