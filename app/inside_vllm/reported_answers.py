"""Answers of vLLM with what the pairs reported: contributions, or the error of a request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from app.inside_vllm.asgi import Message, Send
from app.inside_vllm.report_inbox import ReportInbox, RequestReports

_LOST = "What the pairs did to a token did not arrive from the engine. Send the request again."
_IDS = ("token_ids", "prompt_token_ids")


class _FailedError(Exception):
    """A request has failed; the message is for its client."""


@dataclass(slots=True)
class ReportedAnswer:
    """An answer on its way to the client.

    An error of the pairs takes the place of the answer, or ends its stream.

    Attributes:
        inbox: Has the reports of the engine.
        reports: Those of this request.
        contributions: Whether each choice gets the extension ``tuneshift``.
        ids: Whether the client asked for token ids, which are in the answer in any case.
    """

    _send: Send
    inbox: ReportInbox
    reports: RequestReports
    contributions: bool
    ids: bool
    _start: Message = field(default_factory=dict)
    _streamed: bool = False
    _passed: bool = False
    _ended: bool = False
    _body: bytes = b""

    async def send(self, message: Message) -> None:
        """Pass a message on once the reports that belong to it are there."""
        if message["type"] == "http.response.start":
            self._start = message
            kind = dict(message["headers"]).get(b"content-type", b"")
            self._streamed = kind.startswith(b"text/event-stream")
            known = self._streamed or kind.startswith(b"application/json")
            self._passed = message["status"] != 200 or not known
            if self._passed or self._streamed:
                await self._send(message)
        elif self._passed or message["type"] != "http.response.body":
            await self._send(message)
        elif self._streamed:
            await self._send_events(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_whole()

    async def _send_events(self, message: Message) -> None:
        more = message.get("more_body", False)
        *events, self._body = (self._body + message.get("body", b"")).split(b"\n\n")
        if not more and self._body:
            events.append(self._body)
        for event in events:
            if not self._ended:
                await self._send_event(event)
        if not more:
            await self._send({"type": "http.response.body", "body": b""})

    async def _send_event(self, event: bytes) -> None:
        prefix = b"data: "
        # Of the API of completions each event is one line; others name their events.
        named = event.startswith(b"event: ")
        try:
            if event.startswith(prefix + b"{"):
                content = await self._reported(json.loads(event.removeprefix(prefix)))
                event = prefix + _encoded(content)
            elif named:
                self.inbox.drain()
                self._check()
        except _FailedError as failed:
            self._ended = True
            event = prefix + _error(str(failed))
            event = b"event: error\n" + event if named else event + b"\n\n" + prefix + b"[DONE]"
        await self._send({"type": "http.response.body", "body": event + b"\n\n", "more_body": True})

    async def _send_whole(self) -> None:
        status = self._start["status"]
        try:
            body = _encoded(await self._reported(json.loads(self._body)))
        except _FailedError as failed:
            status, body = 500, _error(str(failed))
        headers = [each for each in self._start["headers"] if each[0] != b"content-length"]
        headers.append((b"content-length", b"%d" % len(body)))
        await self._send({**self._start, "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _reported(self, content: dict[str, Any]) -> dict[str, Any]:
        """An answer, or a part of it, with the contributions to its tokens.

        Raises:
            _FailedError: The request has failed.
        """
        self.inbox.drain()
        self._check()
        for choice in content.get("choices", ()) if self.contributions else ():
            count = len(choice.get("token_ids") or ())
            records = await self.reports.take(count)
            self._check()
            if records is None:
                raise _FailedError(_LOST)
            if records:
                choice["tuneshift"] = {"tokens": records}
            if not self.ids:
                _without_ids(choice)
        if self.contributions and not self.ids:
            _without_ids(content)
        return content

    def _check(self) -> None:
        if self.reports.error:
            raise _FailedError(self.reports.error)


def _without_ids(content: dict[str, Any]) -> None:
    for name in _IDS:
        content.pop(name, None)


def _encoded(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _error(sentence: str) -> bytes:
    error = {"message": sentence, "type": "InternalServerError", "param": None, "code": 500}
    return _encoded({"error": error})
