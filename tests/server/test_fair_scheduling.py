"""Fair scheduling of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.server.api_errors import ApiError
from app.server.fair_scheduling import FairScheduler


def run(
    work: Callable[[FairScheduler], Awaitable[None]], max_waiting: int = 10, slots: int = 1
) -> None:
    async def main() -> None:
        await asyncio.wait_for(work(FairScheduler(max_waiting, slots)), 30)

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


class Holding:
    """Clients that hold slots until they are let go."""

    def __init__(self, scheduler: FairScheduler) -> None:
        self.scheduler = scheduler
        self.holding: list[str] = []
        self.let_go: dict[str, asyncio.Event] = {}

    async def ask(self, client: str, name: str) -> None:
        self.let_go[name] = asyncio.Event()
        async with self.scheduler.slot(client):
            self.holding.append(name)
            await self.let_go[name].wait()
        self.holding.remove(name)


def test_several_hold_slots_and_the_next_goes_to_the_client_with_the_fewest() -> None:
    async def work(scheduler: FairScheduler) -> None:
        line = Holding(scheduler)
        names = ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1"]
        tasks = []
        for name in names:
            tasks.append(asyncio.create_task(line.ask(name[0], name)))
            await settle()
        assert line.holding == ["a1", "a2", "a3"]
        for leaving, coming in (("a1", "b1"), ("a2", "c1"), ("b1", "b2"), ("a3", "a4")):
            line.let_go[leaving].set()
            await settle()
            assert line.holding[-1] == coming
        for name in names:
            line.let_go[name].set()
        await asyncio.gather(*tasks)
        assert scheduler.waiting == 0

    run(work, slots=3)


def test_further_choices_of_a_request_may_always_wait() -> None:
    async def work(scheduler: FairScheduler) -> None:
        async with scheduler.slot("a"):
            waiting = asyncio.create_task(Holding(scheduler).ask("b", "b1"))
            await settle()
            with pytest.raises(ApiError):
                await Holding(scheduler).ask("c", "c1")

            async def further() -> None:
                async with scheduler.slot("a", further=True):
                    pass

            more = asyncio.create_task(further())
            await settle()
            assert scheduler.waiting == 2
            waiting.cancel()
        await more

    run(work, max_waiting=1)
