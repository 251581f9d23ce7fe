"""A server with a damaged expert, which tells the caches that it holds."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.inside_vllm.running_server import Models, Server, running

DAMAGED, FULL_ALONE, FULL_STEP = 319, 318, 317
"""Ids that the expert cannot read, and whose reading lets memory end for one text or for a step."""
_SECONDS = 300


@dataclass(slots=True)
class Watch:
    """Reads what the server tells."""

    _connection: socket.socket
    _received: bytes = b""

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next state that is wanted."""
        while True:
            while b"\n" not in self._received:
                part = self._connection.recv(2**16)
                assert part, "the server has ended"
                self._received += part
            line, _, self._received = self._received.partition(b"\n")
            state: dict[str, Any] = json.loads(line)
            if wanted(state):
                return state


@contextmanager
def watched(folder: Path) -> Iterator[tuple[Server, Watch]]:
    """A server of tiny Llamas."""
    path = folder / "watch"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(_SECONDS)
        listener.bind(str(path))
        listener.listen()
        options = ["--logits-processors", "tests.inside_vllm.watching_processor:Watching"]
        options += ["--additional-config", json.dumps({"watched": str(path)})]
        with running(Models(folder, "llama", DAMAGED), *options) as server:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(_SECONDS)
                yield server, Watch(connection)
