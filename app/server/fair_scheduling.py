"""Fair scheduling of generations: one at a time, in round-robin order of the clients that wait."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.server.api_errors import ApiError

MAX_WAITING = 256
_RETRY_AFTER = "10"


class FairScheduler:
    """Grants one slot at a time. Clients with waiting requests are served in round-robin order.

    Args:
        max_waiting: The maximum number of waiting requests.
    """

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._busy = False
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """The number of waiting requests."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def slot(self, client: str) -> AsyncIterator[None]:
        """Wait for the slot, and hold it inside the ``async with`` block.

        Args:
            client: Identifier of the client.

        Raises:
            ApiError: Too many requests are waiting.
        """
        if self._busy:
            await self._wait(client)
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            self._wake_next()

    async def _wait(self, client: str) -> None:
        if self.waiting >= self._max_waiting:
            raise ApiError(
                429,
                f"The queue is full: {self.waiting} requests are waiting.",
                "rate_limit_error",
                code="queue_full",
                headers={"Retry-After": _RETRY_AFTER},
            )
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(future)
        try:
            await future
        except asyncio.CancelledError:
            if (
                future.done() and not future.cancelled()
            ):  # the slot was granted, but the waiting task was cancelled
                self._busy = False
                self._wake_next()
            else:
                self._remove(client, future)
            raise

    def _wake_next(self) -> None:
        while self._waiting:
            client, futures = self._waiting.popitem(last=False)
            future = futures.popleft()
            if futures:
                self._waiting[client] = futures  # last in the round-robin order
            if not future.done():
                self._busy = True
                future.set_result(None)
                return

    def _remove(self, client: str, future: asyncio.Future[None]) -> None:
        futures = self._waiting.get(client)
        if futures is not None and future in futures:
            futures.remove(future)
            if not futures:
                del self._waiting[client]
