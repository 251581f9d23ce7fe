"""Fair scheduling of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.server.api_errors import ApiError
from app.server.fair_scheduling import FairScheduler


def run(work: Callable[[FairScheduler], Awaitable[None]], max_waiting: int = 10) -> None:
    async def main() -> None:
        await asyncio.wait_for(work(FairScheduler(max_waiting)), 30)

    asyncio.run(main())


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Line:
    """Waiting clients, and the order in which they got the slot."""

    def __init__(self, futures: FairScheduler) -> None:
        self.futures = futures
        self.order: list[str] = []
        self.go_on = asyncio.Event()

    async def ask(self, client: str, name: str) -> None:
        async with self.futures.slot(client):
            self.order.append(name)
            await self.go_on.wait()


def test_clients_are_served_round_robin() -> None:
    async def work(futures: FairScheduler) -> None:
        line = Line(futures)
        names = [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("b", "b2"), ("c", "c1")]
        tasks = []
        for client, name in names:
            tasks.append(asyncio.create_task(line.ask(client, name)))
            await settle()
        assert line.order == ["a1"]
        assert futures.waiting == 5
        line.go_on.set()
        await asyncio.gather(*tasks)
        assert line.order == ["a1", "a2", "b1", "c1", "a3", "b2"]
        assert futures.waiting == 0

    run(work)


def test_cancelling_a_waiting_request_skips_no_other_request() -> None:
    async def work(futures: FairScheduler) -> None:
        line = Line(futures)
        tasks = [asyncio.create_task(line.ask(name, name)) for name in "abcd"]
        await settle()
        tasks[1].cancel()  # waits
        tasks[0].cancel()  # has its turn
        await settle()
        assert line.order == ["a", "c"]
        line.go_on.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert line.order == ["a", "c", "d"]
        async with futures.slot("e"):
            assert futures.waiting == 0

    run(work)


def test_cancelling_a_request_that_was_just_granted_the_slot_passes_it_on() -> None:
    async def work(futures: FairScheduler) -> None:
        line = Line(futures)
        tasks = [asyncio.create_task(line.ask(name, name)) for name in "abc"]
        await settle()
        tasks[0].cancel()
        await asyncio.sleep(0)  # its turn is given to b, who has not run yet
        tasks[1].cancel()
        await settle()
        assert line.order == ["a", "c"]
        line.go_on.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(work)


def test_the_queue_has_a_maximum_length() -> None:
    async def work(futures: FairScheduler) -> None:
        line = Line(futures)
        tasks = [asyncio.create_task(line.ask(name, name)) for name in "abc"]
        await settle()
        with pytest.raises(ApiError) as caught:
            await line.ask("d", "d")
        assert (caught.value.status, caught.value.code) == (429, "queue_full")
        assert caught.value.headers["Retry-After"] == "10"
        line.go_on.set()
        await asyncio.gather(*tasks)

    run(work, max_waiting=2)
