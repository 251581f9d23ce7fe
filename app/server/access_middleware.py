"""ASGI middleware that checks host, origin, API key, content type and body of a request."""

from __future__ import annotations

import asyncio
import secrets

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.access import Access, Limits, is_loopback
from app.server.api_errors import ApiError

_BEARER = "bearer "
_PUBLIC_PATHS = ("/health",)
"""Paths that need no API key, since a load balancer has none."""


class AccessMiddleware:
    """Rejects requests that are not allowed or too large, before the application handles them."""

    def __init__(self, app: ASGIApp, access: Access, limits: Limits) -> None:
        self._app = app
        self._access = access
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and read its body; pass it on to the application or send an error."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        try:
            self._check(scope, headers)
            body = await self._read(headers, receive)
        except ApiError as error:
            await error.response()(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, _replayed(body, receive), send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if self._access.is_local and not is_loopback(_name(headers.get("host", ""))):
            raise ApiError(403, "The Host header does not name this machine.", "permission_error")
        origin = headers.get("origin")
        other_site = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if other_site if origin is None else not self._access.allows_origin(origin):
            raise ApiError(
                403,
                "This server does not accept requests from web pages of this origin.",
                "permission_error",
            )
        preflight = scope["method"] == "OPTIONS" and origin is not None
        if self._access.key and not preflight and scope["path"] not in _PUBLIC_PATHS:
            self._check_key(headers.get("authorization", ""))
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            raise ApiError(415, "The content type of the body must be application/json.")

    def _check_key(self, given: str) -> None:
        key = given[len(_BEARER) :] if given.lower().startswith(_BEARER) else ""
        wanted = self._access.key.encode("utf-8", "surrogateescape")  # bytes of the environment
        if not secrets.compare_digest(key.encode("latin-1"), wanted):
            raise ApiError(
                401,
                "The API key is missing or wrong; send it in the header Authorization: Bearer …",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The request body, or None if the client has disconnected."""
        if _length(headers) > self._limits.body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await self._receive(receive)
        except TimeoutError:
            raise ApiError(408, "The request body was not received in time.") from None

    async def _receive(self, receive: Receive) -> bytes | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._limits.body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> ApiError:
        most = f"{self._limits.body_bytes:,}"
        return ApiError(
            413, f"The request body is larger than {most} bytes.", headers={"Connection": "close"}
        )


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that returns the body that was already read, then later messages."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _name(host: str) -> str:
    """The host name in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _length(headers: Headers) -> int:
    given = headers.get("content-length", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else 0
