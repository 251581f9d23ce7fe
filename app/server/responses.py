"""HTTP responses whose work is cancelled when the client disconnects or a time limit passes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.errors import kind_and_places
from app.server.api_errors import ApiError, internal_error, json_response

log = logging.getLogger(__name__)

_FIRST_PAUSE, _PAUSE = 1.0, 10.0
"""Seconds without an event after which a comment is sent: the first, and later ones."""
_WAITING = b": waiting\n\n"


class CancellableResponse(Response):
    """A response that is computed while it is sent, and cancelled if the client disconnects.

    Args:
        limit: Time limit in seconds, including time in the queue.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Compute and send the response, unless the client disconnects first."""
        work = asyncio.ensure_future(self._answer(scope, receive, send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, gone):
                task.cancel()
            results = await asyncio.gather(work, gone, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


class CancellableJson(CancellableResponse):
    """A JSON response."""

    def __init__(self, work: Coroutine[Any, Any, dict[str, Any]], limit: float) -> None:
        super().__init__(limit)
        self._work = work

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await _or_error(self._content, self._limit)
        await response(scope, receive, send)

    async def _content(self) -> Response:
        return json_response(await self._work)


class CancellableStream(CancellableResponse):
    """A stream of server-sent events.

    An error before the first event becomes a response with an error status, unless it comes late:
    after a moment without an event, the headers and a comment are sent.

    Args:
        events: The events.
        limit: Time limit in seconds, including time in the queue.
        first_pause: Seconds without an event after which the headers are sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncGenerator[bytes, None], limit: float, first_pause: float = _FIRST_PAUSE
    ) -> None:
        super().__init__(limit)
        self._events = events
        self._first_pause = first_pause
        self._begun = False

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def work() -> Response | None:
            await self._send_all(send)
            return None

        try:
            failed = await _or_error(work, self._limit)
        finally:
            await self._events.aclose()
        if self._begun:
            body = b"" if failed is None else b"data: " + bytes(failed.body) + b"\n\n"
            await send({"type": "http.response.body", "body": body, "more_body": False})
        elif failed is not None:
            await failed(scope, receive, send)

    async def _send_all(self, send: Send) -> None:
        """Send the events, and comments while there are none, so that nobody hangs up."""
        pause = self._first_pause
        while True:
            coming = asyncio.ensure_future(anext(self._events, None))
            try:
                while not coming.done():
                    await asyncio.wait({coming}, timeout=pause)
                    if not coming.done():
                        await self._send(_WAITING, send)
                        pause = _PAUSE
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            event = coming.result()
            if event is None:
                return
            await self._send(event, send)
            pause = _PAUSE

    async def _send(self, event: bytes, send: Send) -> None:
        if not self._begun:
            headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            self._begun = True
        await send({"type": "http.response.body", "body": event, "more_body": True})


async def _or_error(work: Callable[[], Awaitable[Any]], limit: float) -> Any:
    """The result of ``work``, or an error response if it fails or exceeds ``limit`` seconds."""
    try:
        async with asyncio.timeout(limit):
            return await work()
    except TimeoutError:
        message = f"The response took longer than {limit:,.0f} seconds."
        return ApiError(504, message, "timeout_error").response()
    except ApiError as error:
        return error.response()
    except Exception as error:
        log.error("a response failed\n%s", kind_and_places(error))
        return internal_error().response()


async def _gone(receive: Receive) -> None:
    """Wait until the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
