"""What runs in the other process in place of a conversion; imports nothing slow."""

from __future__ import annotations

import os
import time
from typing import Any

from app.checkpoints.formats.gguf_conversion import _Failure


def hang(task: Any, connection: Any) -> None:
    (task.folder / "half").write_text("half")
    connection.send(0.5)
    time.sleep(600)


def die(task: Any, connection: Any) -> None:
    os._exit(3)


def be_killed(task: Any, connection: Any) -> None:
    os.kill(os.getpid(), 9)


def run_out_of_memory(task: Any, connection: Any) -> None:
    connection.send(_Failure("cannot allocate", memory=True, disk=False))


def fill_the_disk(task: Any, connection: Any) -> None:
    connection.send(_Failure("No space left on device", memory=False, disk=True))
