"""The end of the channel of reports in a process of vLLM's engine.

The channel takes what the pairs report of a request from the engine's process to the API process,
which is on the same machine. The middleware writes a key into each request (``vllm_xargs``), which
names a Unix socket in a private folder, and a number that nobody can guess. A report is a line of
JSON on that socket: ``{"key": …, "begun": true}`` before the first token of a request that the
pairs read, ``{"key": …, "token": {…}}`` for each token of a request that asked for contributions,
``{"key": …, "error": "…"}`` for a request that ends since its pairs cannot go on.

A report is in the API process's socket before the method that sends it returns. An error that is
sent before the request's last token is sampled is thus there before that token is. Where a report
cannot be sent, the API process learns of it: the connection is closed, which ends the requests that
began on it, and a request that has not begun has no answer.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Mapping
from pathlib import Path

from app.errors import SettingsError
from app.inside_vllm.report_folder import socket_of

log = logging.getLogger(__name__)

BEGUN, TOKEN, ERROR, KEY = "begun", "token", "error", "key"

_ATTEMPTS = 3
_SECONDS = 2.0
"""The longest that the engine waits in an attempt for the API process to read."""


class ReportSender:
    """Sends reports of requests to the API processes that took the requests.

    Nothing here fails: a report that cannot be sent is sent again over a new connection, and after
    a few attempts it is dropped; the API process learns from the end of the connection, or from a
    request that has not begun, that some are missing.
    """

    def __init__(self) -> None:
        self._sockets: dict[Path, socket.socket] = {}

    def send_begun(self, key: object) -> None:
        """Send that a request is read by the pairs; its further reports use the same connection."""
        self._send(key, BEGUN, True)

    def send_token(self, key: object, record: Mapping[str, object]) -> None:
        """Send the record of a token."""
        self._send(key, TOKEN, record)

    def send_error(self, key: object, sentence: str) -> None:
        """Send why a request ends."""
        self._send(key, ERROR, sentence)

    def close(self) -> None:
        """Close the connections."""
        while self._sockets:
            self._sockets.popitem()[1].close()

    def _send(self, key: object, kind: str, content: object) -> None:
        try:
            path = socket_of(key)
        except (OSError, SettingsError) as error:
            log.warning("reports of requests are dropped: %s", error)
            return
        if path is None:
            return
        line = json.dumps({KEY: key, kind: content}).encode() + b"\n"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._connected(path).sendall(line)
                return
            except OSError as error:
                dropped = "dropped" if attempt == _ATTEMPTS else "sent again"
                log.warning("a report of a request is %s: %s", dropped, error)
                if (broken := self._sockets.pop(path, None)) is not None:
                    broken.close()

    def _connected(self, path: Path) -> socket.socket:
        if path not in self._sockets:
            found = socket.socket(socket.AF_UNIX)
            found.settimeout(_SECONDS)
            try:
                found.connect(str(path))
            except OSError:
                found.close()
                raise
            self._sockets[path] = found
        return self._sockets[path]
