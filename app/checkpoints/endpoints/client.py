"""HTTP client of an endpoint: keep-alive, retries, and an event loop on a thread of its own."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import httpx2

from app.checkpoints.endpoint_address import Address
from app.checkpoints.endpoints import endpoint_errors
from app.checkpoints.endpoints.endpoint_errors import Failure, RequestError
from app.checkpoints.endpoints.keys import Key
from app.decoding.remote import EndpointUsage
from app.errors import Cancelled

T = TypeVar("T")
Json = dict[str, Any]

ATTEMPTS = 5
_FIRST_PAUSE, _JITTER = 0.5, 0.25
_TIMEOUT = httpx2.Timeout(connect=10.0, read=120.0, write=30.0, pool=10.0)
_KEEP_ALIVE = 300.0
_CONNECTIONS = 64  # an evaluation asks many things at once
_ASK_EVERY = 0.05
"""Seconds between two calls of ``cancelled``."""


class Client:
    """HTTP client of one endpoint.

    Args:
        address: The address of the endpoint.
        key: The API key, or None.
        timeout: The timeouts for connecting, reading and writing.
    """

    def __init__(
        self,
        address: Address,
        key: Key | None,
        timeout: httpx2.Timeout = _TIMEOUT,
    ) -> None:
        self.address = address
        self._key = key
        self._timeout = timeout
        self._usage = EndpointUsage()
        self._loop = _Loop()
        self._http: httpx2.AsyncClient | None = None
        self.close = weakref.finalize(self, self._loop.close)

    def begin(self) -> None:
        """Reset the counters of :meth:`usage`."""
        self._usage = EndpointUsage()

    def usage(self) -> EndpointUsage:
        """Requests, retries and tokens since :meth:`begin`."""
        return self._usage

    def get(self, path: str, attempts: int = ATTEMPTS) -> Future[Json]:
        """Send a GET request for ``path``, relative to the address."""
        return self._loop.start(self._ask("GET", path, None, attempts))

    def post(self, path: str, body: Mapping[str, Any], attempts: int = ATTEMPTS) -> Future[Json]:
        """Send ``body`` to ``path``; the future holds the response or a :class:`RequestError`."""
        return self._loop.start(self._ask("POST", path, body, attempts))

    def stream(
        self, path: str, body: Mapping[str, Any], cancelled: Callable[[], bool]
    ) -> Generator[Json, None, None]:
        """Send ``body`` to ``path`` once, and yield the events of the streamed response.

        The connection is closed when the iterator is, so that the server stops as well.

        Raises:
            RequestError: The request failed, or an event is an error.
            Cancelled: ``cancelled`` returned True.
        """
        events: SimpleQueue[Json] = SimpleQueue()
        future = self._loop.start(self._stream(path, body, events.put))
        try:
            while not (future.done() and events.empty()):
                if cancelled():  # also where events are always there
                    raise Cancelled
                try:
                    event = events.get(timeout=_ASK_EVERY)
                except Empty:
                    continue
                yield event
            future.result()
        finally:
            future.cancel()

    async def _stream(
        self, path: str, body: Mapping[str, Any], put: Callable[[Json], None]
    ) -> None:
        """Pass on the events of a response.

        Raises:
            RequestError: The request failed, an event is an error, or the end is missing.
        """
        url = f"{self.address.url}/{path}"
        headers = self._key.headers() if self._key else {}
        try:
            async with self._connection().stream("POST", url, json=body, headers=headers) as answer:
                if answer.status_code != 200:
                    await answer.aread()
                    raise RequestError(self._failure(answer.status_code, answer.text))
                async for line in answer.aiter_lines():
                    if line == "data: [DONE]":
                        return
                    if line.startswith("data: {"):
                        event = json.loads(line.removeprefix("data: "))
                        if "error" in event:
                            raise RequestError(self._failure(500, json.dumps(event)))
                        put(event)
        except (httpx2.HTTPError, httpx2.StreamError, ValueError) as error:
            raise RequestError(
                endpoint_errors.of_transport(self.address, error, self._key)
            ) from None
        lost = httpx2.RemoteProtocolError("the end of the stream is missing")
        raise RequestError(endpoint_errors.of_transport(self.address, lost, self._key))

    def _failure(self, status: int, said: str, wait: str = "") -> Failure:
        return endpoint_errors.of_status(self.address, self._key, status, said, wait, time.time())

    def wait(self, future: Future[T], cancelled: Callable[[], bool]) -> T:
        """Wait for ``future`` and return its result.

        Raises:
            RequestError: The request failed, and so did its retries.
            Cancelled: ``cancelled`` returned True. The connection is closed, so that the server
                stops as well.
        """
        while True:
            try:
                return future.result(_ASK_EVERY)
            except TimeoutError:
                if cancelled():
                    future.cancel()
                    raise Cancelled from None
            except CancelledError:
                raise Cancelled from None

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, most: int) -> Json:
        attempt = 1
        while True:
            try:
                answer = await self._once(method, path, body)
            except RequestError as error:
                failure = error.failure
                if not failure.again or attempt >= most:
                    raise
                await pause(_pause(attempt, failure))
                attempt += 1
                self._usage = replace(self._usage, retries=self._usage.retries + 1)
            else:
                self._count(answer)
                return answer

    async def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Json:
        url = f"{self.address.url}/{path}"
        headers = self._key.headers() if self._key else {}
        try:
            answer = await self._connection().request(method, url, json=body, headers=headers)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise RequestError(
                endpoint_errors.of_transport(self.address, error, self._key)
            ) from None
        if answer.status_code != 200:
            wait = answer.headers.get("retry-after", "")
            raise RequestError(self._failure(answer.status_code, answer.text, wait))
        try:
            content = json.loads(answer.content)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise RequestError(endpoint_errors.not_json(self.address, answer.text, self._key))
        return content

    def _connection(self) -> httpx2.AsyncClient:
        if self._http is None:  # created on the event loop that uses it
            self._http = httpx2.AsyncClient(
                timeout=self._timeout,
                limits=httpx2.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_KEEP_ALIVE),
                trust_env=not self.address.is_loopback,  # no proxy for servers on this machine
            )
            self._loop.at_end(self._http.aclose)
        return self._http

    def _count(self, answer: Json) -> None:
        usage = answer.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        before = self._usage
        self._usage = replace(
            before,
            requests=before.requests + 1,
            sent=before.sent + _whole(usage.get("prompt_tokens")),
            received=before.received + _whole(usage.get("completion_tokens")),
        )


async def pause(seconds: float) -> None:
    """Sleep before a retry."""
    await asyncio.sleep(seconds)


def _pause(attempt: int, failure: Failure) -> float:
    """Seconds before the next attempt: as requested by the server, or exponential backoff."""
    wanted = _FIRST_PAUSE * 2 ** (attempt - 1) * (1 + _JITTER * random.random())
    return wanted if failure.pause is None else min(failure.pause, endpoint_errors.LONGEST_PAUSE)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


class _Loop:
    """An event loop on its own thread, which starts with the first request."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._at_end: list[Callable[[], Awaitable[None]]] = []

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="endpoint", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def at_end(self, call: Callable[[], Awaitable[None]]) -> None:
        """Register a coroutine function to await before the loop ends."""
        self._at_end.append(call)

    def close(self) -> None:
        """Cancel pending requests and end the thread, without waiting for it."""
        if self._thread is None:
            self._loop.close()
        else:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._end())
        finally:
            self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for call in self._at_end:
            await call()
