"""A middleware of vLLM's API server: requests whose α is not valid are answered with status 400."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from app.checkpoints.spec import Recipe
from app.errors import SettingsError
from app.inside_vllm.additional_config import recipe_of
from app.inside_vllm.alpha_arguments import read_alphas

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Admission:
    """Checks the arguments of each request that has some, once vLLM has checked its key.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._recipe: Recipe | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if self._recipe is None:
            config = scope["app"].state.vllm_config
            self._recipe = recipe_of(config.additional_config)
        request = _Request(receive, send, self._recipe)
        try:
            await self._app(scope, request.receive, request.send)
        except _RefusedError:
            await request.send({"type": "http.response.start"})


class _RefusedError(Exception):
    """Ends a request that is refused."""


@dataclass(slots=True)
class _Request:
    """The body on its way to the application, and the answer on its way back.

    The body is looked at when the application reads it, since requests without a valid key are
    refused before.
    """

    _receive: Receive
    _send: Send
    _recipe: Recipe
    _body: bytes = b""
    _refused: str = ""
    _answered: bool = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                self._check()
                self._body = b""
        return message

    async def send(self, message: Message) -> None:
        if not self._refused:
            await self._send(message)
        elif not self._answered:
            self._answered = True
            await self._answer(self._refused)

    def _check(self) -> None:
        try:
            content = json.loads(self._body)
        except (ValueError, RecursionError):
            return  # vLLM says what is wrong with it
        arguments = content.get("vllm_xargs") if isinstance(content, dict) else None
        if not isinstance(arguments, dict):
            return
        try:
            read_alphas(arguments, self._recipe)
        except SettingsError as error:
            self._refused = str(error)
            raise _RefusedError from error

    async def _answer(self, problem: str) -> None:
        error = {"message": problem, "type": "BadRequestError", "param": "vllm_xargs", "code": 400}
        body = json.dumps({"error": error}, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self._send({"type": "http.response.start", "status": 400, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
