"""Who is next: one text at a time, and those who wait are asked in turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.server.api_errors import ApiError

MOST_WAITING = 256
_RETRY_AFTER = "10"


class Turns:
    """Gives one text at a time its turn; clients with several requests wait between the others.

    Args:
        most: How many may wait.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._busy = False
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def take(self, client: str) -> AsyncIterator[None]:
        """Wait for a turn and keep it inside.

        Args:
            client: Who asks; the turns go round among clients.

        Raises:
            ApiError: Too many wait already.
        """
        if self._busy:
            await self._wait(client)
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            self._call_next()

    async def _wait(self, client: str) -> None:
        if self.waiting >= self._most:
            raise ApiError(
                429,
                f"{self.waiting} requests wait already.",
                "rate_limit_error",
                code="queue_full",
                headers={"Retry-After": _RETRY_AFTER},
            )
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given the turn and has gone
                self._busy = False
                self._call_next()
            else:
                self._forget(client, turn)
            raise

    def _call_next(self) -> None:
        while self._waiting:
            client, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[client] = turns  # behind all others
            if not turn.done():
                self._busy = True
                turn.set_result(None)
                return

    def _forget(self, client: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(client)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[client]
