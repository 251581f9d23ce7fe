"""A middleware of vLLM's API server: checks requests, and adds to answers what the pairs report."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

from app.checkpoints.spec import Recipe
from app.errors import SettingsError
from app.inside_vllm.additional_config import recipe_of
from app.inside_vllm.alpha_arguments import CONTRIBUTIONS, read_alphas, wants_contributions
from app.inside_vllm.asgi import Application, Message, Receive, Send
from app.inside_vllm.report_folder import REPORT
from app.inside_vllm.report_inbox import ReportInbox
from app.inside_vllm.reported_answers import ReportedAnswer
from app.inside_vllm.unreported import (
    check_kind,
    check_one_answer,
    check_path,
    is_on_one_machine,
    require_channel,
)

log = logging.getLogger(__name__)

_WITH_CONTRIBUTIONS = ("/v1/completions", "/v1/chat/completions")
_WITH_ERRORS = (*_WITH_CONTRIBUTIONS, "/v1/responses", "/v1/messages")


class Admission:
    """Checks the arguments of each request that has some, once vLLM has checked its key.

    Each request for a text gets a key for the reports of its pairs (:mod:`report_sender`). An error
    of the pairs becomes the answer. Where the client asks for them, contributions are added to it.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._recipe: Recipe | None = None
        self._inbox: ReportInbox | None = None
        self._no_inbox: Exception | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                self.close()
            return
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        config = scope["app"].state.vllm_config
        if self._recipe is None:
            self._recipe = recipe_of(config.additional_config)
            self._open_inbox()
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        inbox = self._inbox if path in _WITH_ERRORS else None
        request = _Request(receive, send, path, self._recipe, config, inbox, self._no_inbox)
        try:
            await self._app(scope, request.receive, request.send)
            await request.finish()
        except _RefusedError:
            await request.send({"type": "http.response.start"})
        finally:
            request.close()

    def close(self) -> None:
        """Stop receiving reports."""
        if self._inbox is not None:
            self._inbox.end()
            self._inbox = None

    def _open_inbox(self) -> None:
        try:
            self._inbox = ReportInbox()
        except (OSError, SettingsError) as error:
            log.warning("the pairs cannot report anything: %s", error)
            self._no_inbox = error


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
    _path: str
    _recipe: Recipe
    _config: Any
    _inbox: ReportInbox | None
    _no_inbox: Exception | None
    _body: bytes = b""
    _refused: str = ""
    _answered: bool = False
    _answer: ReportedAnswer | None = None
    _closed: bool = False

    async def receive(self) -> Message:
        """The next message of the client; the whole body is one, with the key of the reports.

        A request whose pairs have failed is over, as if the client had gone: vLLM ends it.
        """
        if self._answer is not None:
            return await self._receive_unless_failed(self._answer.reports.failed)
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                self.close()
                return message
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                body, self._body = self._checked(self._body), b""
                return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if self._answer is not None:
            await self._answer.send(message)
        elif not self._refused:
            await self._send(message)
        elif not self._answered:
            self._answered = True
            await self._refuse(self._refused)

    async def finish(self) -> None:
        """Answer a request that was ended since its pairs have failed."""
        if self._answer is not None and not self._closed:
            await self._answer.finish()

    async def _receive_unless_failed(self, failed: asyncio.Event) -> Message:
        received = asyncio.ensure_future(self._receive())
        over = asyncio.ensure_future(failed.wait())
        try:
            await asyncio.wait((received, over), return_when=asyncio.FIRST_COMPLETED)
            if not received.done():
                return {"type": "http.disconnect"}
        finally:
            received.cancel()
            over.cancel()
        if received.result()["type"] != "http.request":
            self.close()
        return received.result()

    def close(self) -> None:
        """Let nothing wait for reports."""
        self._closed = True
        if self._answer is not None:
            self._answer.inbox.close(self._answer.reports)

    def _checked(self, body: bytes) -> bytes:
        """The body for the application.

        Raises:
            _RefusedError: It is not valid.
        """
        try:
            check_path(self._path)
            content = json.loads(body)
            if not isinstance(content, dict):
                return body
            arguments = content.get("vllm_xargs")
            if arguments is not None and not isinstance(arguments, dict):
                return body
            tuned, contributions = self._check(content, arguments or {})
        except SettingsError as error:
            self._refused = str(error)
            raise _RefusedError from error
        except (ValueError, RecursionError):
            return body  # vLLM says what is wrong with it
        if self._inbox is None:
            return body
        reports = self._inbox.open()
        asked = bool(content.get("return_token_ids"))
        tuned = tuned and is_on_one_machine(self._config)
        self._answer = ReportedAnswer(self._send, self._inbox, reports, tuned, contributions, asked)
        content["vllm_xargs"] = {**(arguments or {}), REPORT: reports.key}
        if contributions:
            content["return_token_ids"] = True
        return json.dumps(content).encode()

    def _check(self, content: dict[str, Any], arguments: dict[str, Any]) -> tuple[bool, bool]:
        """Check a request; whether its pairs are asked, and whether contributions are wanted.

        Raises:
            SettingsError: It is not valid, or cannot be had.
        """
        alphas = read_alphas(arguments, self._recipe)
        check_kind(content)
        if REPORT in arguments:
            raise SettingsError(f"{REPORT} is set by the server", next_step="Leave it out.")
        contributions = wants_contributions(arguments)
        if contributions:
            check_one_answer(content)
            require_channel(self._config)
            if self._path not in _WITH_CONTRIBUTIONS:
                raise SettingsError(
                    f"There are no {CONTRIBUTIONS} in answers of {self._path}",
                    next_step=f"Ask {' or '.join(_WITH_CONTRIBUTIONS)}.",
                )
            if self._inbox is None:
                raise SettingsError(
                    f"There are no {CONTRIBUTIONS} here", evidence=str(self._no_inbox)
                )
        here = self._path in _WITH_ERRORS and is_on_one_machine(self._config)
        if any(alphas) and self._inbox is None and here:
            raise SettingsError(
                "A tuned text cannot be had, since errors of the pairs could not be told",
                evidence=str(self._no_inbox),
                next_step="Put that right and start the server again, or send every α as 0.",
            )
        return any(alphas) or contributions, contributions

    async def _refuse(self, problem: str) -> None:
        error = {"message": problem, "type": "BadRequestError", "param": "vllm_xargs", "code": 400}
        body = json.dumps({"error": error}, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self._send({"type": "http.response.start", "status": 400, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
