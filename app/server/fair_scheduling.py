"""Fair scheduling of generations: a few at a time, shared out among the clients that wait."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.server.api_errors import ApiError
from app.settings import PARALLEL_REQUESTS

MAX_WAITING = 256
_RETRY_AFTER = "10"


class FairScheduler:
    """Grants a number of slots. A free slot goes to the waiting client that holds the fewest.

    Clients that hold equally many are served in round-robin order.

    Args:
        max_waiting: The maximum number of waiting requests.
        slots: How many generations may run at once.

    Attributes:
        slots: The same.
    """

    def __init__(self, max_waiting: int = MAX_WAITING, slots: int = PARALLEL_REQUESTS) -> None:
        self.slots = slots
        self._max_waiting = max_waiting
        self._held = Counter[str]()  # slots of each client
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """The number of waiting requests."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def slot(self, client: str, *, further: bool = False) -> AsyncIterator[None]:
        """Wait for a slot, and hold it inside the ``async with`` block.

        Args:
            client: Identifier of the client.
            further: Whether it is for a request that has a slot already, which is never refused.

        Raises:
            ApiError: Too many requests are waiting.
        """
        if self._held.total() < self.slots:
            self._held[client] += 1
        else:
            await self._wait(client, further)
        try:
            yield
        finally:
            self._release(client)

    async def _wait(self, client: str, further: bool) -> None:
        if self.waiting >= self._max_waiting and not further:
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
                self._release(client)
            else:
                self._remove(client, future)
            raise

    def _release(self, client: str) -> None:
        self._held[client] -= 1
        self._held += Counter()  # forgets clients that hold none
        self._wake_next()

    def _wake_next(self) -> None:
        while self._waiting and self._held.total() < self.slots:
            client = min(self._waiting, key=lambda name: self._held[name])
            futures = self._waiting.pop(client)
            future = futures.popleft()
            if futures:
                self._waiting[client] = futures  # last in the round-robin order
            if not future.done():
                self._held[client] += 1
                future.set_result(None)

    def _remove(self, client: str, future: asyncio.Future[None]) -> None:
        futures = self._waiting.get(client)
        if futures is not None and future in futures:
            futures.remove(future)
            if not futures:
                del self._waiting[client]
