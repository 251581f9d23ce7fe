"""The connection between a training and the program: events one way, requests the other."""

from __future__ import annotations

from multiprocessing.connection import Connection

from app.training.messages.training_events import Event, Request, encode_event

_FINAL = (Request.STOP, Request.ABANDON)


class Channel:
    """The end of the training's process.

    Where the other end is closed, as after a kill of the program, the training is abandoned: it
    goes on from its last checkpoint when it is started again.

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
        """The last request that has not been followed, or None.

        To stop and to abandon stay, also if it is asked to pause or to go on afterwards.
        """
        self._receive()
        found = self._last
        if found not in _FINAL:
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
                self._keep(found)
                return found

    @property
    def is_abandoned(self) -> bool:
        """Whether the program has asked to abandon the training, or has ended."""
        self._receive()
        return self._last is Request.ABANDON

    def _receive(self) -> None:
        try:
            while self._connection.poll():
                self._keep(Request(self._connection.recv_bytes().decode()))
        except (EOFError, OSError):
            self._last = Request.ABANDON

    def _keep(self, request: Request) -> None:
        if self._last not in _FINAL or request in _FINAL:
            self._last = request
