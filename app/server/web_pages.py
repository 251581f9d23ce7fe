"""CORS for the web pages that may use the server, on errors as well."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.access import Access


class WebPageAccess:
    """ASGI middleware that answers preflight requests of allowed pages and adds CORS headers.

    It is outside all other middleware, because a page can read an error only if the error has these
    headers. Requests of other pages are passed on, to be rejected by ``AccessMiddleware``.

    Args:
        app: The application, with its checks of access.
        access: The origins that are allowed.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._with_headers = CORSMiddleware(
            app,
            allow_origins=access.origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["*"],
            allow_private_network=True,
            expose_headers=["Retry-After"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        allowed = origin is not None and self._access.allows_origin(origin)
        await (self._with_headers if allowed else self._app)(scope, receive, send)
