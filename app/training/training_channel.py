"""The connection between a training and the program: events one way, requests the other."""

from __future__ import annotations

from multiprocessing.connection import Connection

from app.training.training_events import Event, Request, encode_event


class Channel:
    """The end of the training's process.

    Where the program has ended, the training is abandoned: it can go on when the program asks for
    it again.

    Args:
        connection: The pipe to the program.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last: Request | None = None

    def send(self, event: Event) -> None:
        """Send an event."""
        try:
            self._connection.send_bytes(encode_event(event))
        except OSError:  # the program has ended
            self._last = Request.ABANDON

    def request(self) -> Request | None:
        """The last request that has not been followed, or None; to stop and to abandon stay."""
        self._receive()
        found = self._last
        if found not in (Request.STOP, Request.ABANDON):
            self._last = None
        return found

    def wait_for_request(self) -> Request:
        """Wait for a request other than to pause."""
        while True:
            try:
                found = Request(self._connection.recv_bytes().decode())
            except (EOFError, OSError):
                found = Request.ABANDON
            if found is not Request.PAUSE:
                self._last = found
                return found

    @property
    def is_abandoned(self) -> bool:
        """Whether the program has asked to abandon the training, or has ended."""
        self._receive()
        return self._last is Request.ABANDON

    def _receive(self) -> None:
        try:
            while self._connection.poll():
                self._last = Request(self._connection.recv_bytes().decode())
        except (EOFError, OSError):
            self._last = Request.ABANDON
