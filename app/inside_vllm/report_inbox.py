"""The end of the channel of reports in an API process of vLLM; see :mod:`report_sender`."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from app.errors import SettingsError
from app.inside_vllm.report_folder import (
    NEW,
    remove_abandoned,
    report_folder,
    request_key,
    socket_name,
)
from app.inside_vllm.report_sender import BEGUN, ERROR, KEY, TOKEN

log = logging.getLogger(__name__)

_LONGEST_PATH = 100  # bytes, of the 108 that an address of a Unix socket has
_LONGEST_LINE = 2**24
_READ_AT_ONCE = 2**18
_SECONDS = 60.0
"""The longest wait for the record of a token that has been sampled."""


@dataclass(slots=True, eq=False)
class RequestReports:
    """The reports of a request, until it is answered.

    Attributes:
        key: Its key.
        error: Why the request ended, if its pairs could not go on.
        lost: Whether reports are missing, or may be.
        failed: Set once there is an error, or reports are lost.
        connections: Where its reports come from, once it has begun; several processes of an engine
            may read the same request.
    """

    key: str
    error: str = ""
    lost: bool = False
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[socket.socket] = field(default_factory=list)
    _records: list[dict[str, Any]] = field(default_factory=list)
    _taken: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, kind: str, content: Any) -> None:
        """Take a report; a record that came before, as after a preemption, is not kept again."""
        if kind == ERROR:
            self.error = self.error or str(content)
            self.failed.set()
        elif content["index"] == self._taken + len(self._records):
            self._records.append(content)
        elif content["index"] > self._taken + len(self._records):
            self.end()
        self._changed.set()

    def end(self) -> None:
        """Let nobody wait for further reports."""
        self.lost = True
        self.failed.set()
        self._changed.set()

    async def take(self, count: int) -> list[dict[str, Any]] | None:
        """The records of the next tokens; None if there is an error, or if they are lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                while len(self._records) < count and not self.error and not self.lost:
                    self._changed.clear()
                    await self._changed.wait()
        if len(self._records) < count:
            return None
        found, self._records = self._records[:count], self._records[count:]
        self._taken += count
        return found


class ReportInbox:
    """Receives reports of the requests that this process answers.

    Raises:
        SettingsError: The folder of temporary files cannot be used.
        OSError: The socket cannot be made.
    """

    def __init__(self) -> None:
        folder = report_folder()
        remove_abandoned(folder)
        self._name = socket_name()
        self._path = path = folder / self._name
        if len(bytes(path)) + len(NEW) > _LONGEST_PATH:
            raise SettingsError(
                "The path of the folder of temporary files is too long for a socket",
                evidence=f"it is {folder}",
                next_step="Set TMPDIR to a folder with a shorter path.",
            )
        self._open: dict[str, RequestReports] = {}
        self._received: dict[socket.socket, bytearray] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.setblocking(False)
        self._listener.bind(str(new := path.with_name(self._name + NEW)))
        new.chmod(0o600)
        self._listener.listen()
        new.rename(path)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener, self.drain)
        atexit.register(self._delete)

    def open(self) -> RequestReports:
        """Begin to receive the reports of a request."""
        found = RequestReports(request_key(self._name))
        self._open[found.key] = found
        return found

    def close(self, reports: RequestReports) -> None:
        """Drop the reports of a request that was answered, and those that may still come."""
        self._open.pop(reports.key, None)
        reports.end()

    def end(self) -> None:
        """Close the socket and delete it."""
        atexit.unregister(self._delete)
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for connection in list(self._received):
            self._hang_up(connection)
        self._delete()

    def drain(self) -> None:
        """Take all reports that have been sent so far, without waiting."""
        while True:
            try:
                found, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                break
            found.setblocking(False)
            self._received[found] = bytearray()
            self._loop.add_reader(found, self._read, found)
        for connection in list(self._received):
            self._read(connection)

    def _delete(self) -> None:
        self._path.unlink(missing_ok=True)

    def _read(self, connection: socket.socket) -> None:
        received = self._received[connection]
        while True:
            try:
                part = connection.recv(_READ_AT_ONCE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                part = b""
            received += part
            *lines, rest = received.split(b"\n")
            received[:] = rest
            for line in lines:
                self._take(bytes(line), connection)
            if not part or len(rest) > _LONGEST_LINE:
                self._hang_up(connection)
                return

    def _take(self, line: bytes, connection: socket.socket) -> None:
        message = json.loads(line)
        reports = self._open.get(message[KEY])
        if reports is None:
            return
        if BEGUN in message:
            reports.connections.append(connection)
        else:
            kind = ERROR if ERROR in message else TOKEN
            reports.add(kind, message[kind])

    def _hang_up(self, connection: socket.socket) -> None:
        """Close a connection whose engine ended or dropped a report."""
        self._loop.remove_reader(connection)
        del self._received[connection]
        connection.close()
        for reports in self._open.values():
            if connection in reports.connections:
                reports.end()
