"""Answers whose work ends when the client goes away, or takes too long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.server.api_errors import ApiError, defect, json_response

log = logging.getLogger(__name__)


class Working(Response):
    """An answer that is worked on while the client is there.

    Args:
        limit: The most seconds it may take, waiting included.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, until the client has gone."""
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


class WorkingJson(Working):
    """An answer of JSON."""

    def __init__(self, work: Coroutine[Any, Any, dict[str, Any]], limit: float) -> None:
        super().__init__(limit)
        self._work = work

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await _or_error(self._content, self._limit)
        await response(scope, receive, send)

    async def _content(self) -> Response:
        return json_response(await self._work)


class WorkingStream(Working):
    """An answer of server-sent events; what fails before the first is an answer with a status."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], limit: float) -> None:
        super().__init__(limit)
        self._events = events
        self._begun = False

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def work() -> Response | None:
            async for event in self._events:
                await self._send(event, send)
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
    """The result of ``work``, or the answer that says why there is none."""
    try:
        async with asyncio.timeout(limit):
            return await work()
    except TimeoutError:
        message = f"The answer took longer than {limit:,.0f} seconds."
        return ApiError(504, message, "timeout_error").response()
    except ApiError as error:
        return error.response()
    except Exception:
        log.exception("an answer failed")
        return defect().response()


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
