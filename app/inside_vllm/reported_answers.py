"""Answers of vLLM with what the pairs reported: contributions, or the error of a request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from app.inside_vllm.asgi import Message, Send
from app.inside_vllm.report_inbox import ReportInbox, RequestReports

_LOST = "What the pairs reported of this request did not arrive. Send the request again."
_IDS = ("token_ids", "prompt_token_ids")
_DATA = b"data: "
_JSON = (b"content-type", b"application/json")
_BEFORE_THE_ENGINE = {
    b"event: message_start",
    b"event: ping",
    b"event: error",
    b"event: response.queued",
    b"event: response.created",
    b"event: response.in_progress",
    b"event: response.failed",
}
"""Events of a stream that may come without a token."""


class _FailedError(Exception):
    """A request has failed; the message is for its client."""


@dataclass(slots=True)
class ReportedAnswer:
    """An answer on its way to the client.

    An error of the pairs takes the place of the answer, or ends its stream. So does the loss of
    reports, since one of an error may be among them.

    Attributes:
        inbox: Has the reports of the engine.
        reports: Those of this request.
        tuned: Whether the engine reports that the pairs read the request.
        contributions: Whether each choice gets the extension ``tuneshift``.
        ids: Whether the client asked for token ids, which are in the answer in any case.
    """

    _send: Send
    inbox: ReportInbox
    reports: RequestReports
    tuned: bool
    contributions: bool
    ids: bool
    _start: Message = field(default_factory=dict)
    _streamed: bool = False
    _passed: bool = False
    _ended: bool = False
    _complete: bool = False
    _body: bytes = b""

    async def send(self, message: Message) -> None:
        """Pass a message on once the reports that belong to it are there."""
        if self._complete:
            return
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

    async def finish(self) -> None:
        """Answer a request that was ended before its answer was complete, if its pairs failed."""
        self.inbox.drain()
        if self._complete or self._passed or not self.reports.failed.is_set():
            return
        sentence = self.reports.error or _LOST
        if not self._streamed:
            await self._send_content(500, _error(sentence))
            return
        if not self._ended:
            await self._send_last_event(sentence, named=False)
        await self._send_end()

    async def _send_events(self, message: Message) -> None:
        more = message.get("more_body", False)
        *events, self._body = (self._body + message.get("body", b"")).split(b"\n\n")
        if not more and self._body:
            events.append(self._body)
        for event in events:
            if not self._ended:
                await self._send_event(event)
        if not more:
            await self._send_end()

    async def _send_event(self, event: bytes) -> None:
        # Of the API of completions each event is one line; others name their events.
        name, _, _ = event.partition(b"\n")
        named = name.startswith(b"event: ")
        try:
            if event.startswith(_DATA + b"{"):
                content = json.loads(event.removeprefix(_DATA))
                self._check(begun=bool(content.get("choices")))
                event = _DATA + _encoded(await self._reported(content))
            elif named:
                self._check(begun=name not in _BEFORE_THE_ENGINE)
        except _FailedError as failed:
            await self._send_last_event(str(failed), named)
            return
        await self._send({"type": "http.response.body", "body": event + b"\n\n", "more_body": True})

    async def _send_last_event(self, sentence: str, named: bool) -> None:
        self._ended = True
        self.reports.end()  # so that the engine does not go on with it
        event = _DATA + _error(sentence) + b"\n\n"
        event = b"event: error\n" + event if named else event + _DATA + b"[DONE]\n\n"
        await self._send({"type": "http.response.body", "body": event, "more_body": True})

    async def _send_end(self) -> None:
        self._complete = True
        await self._send({"type": "http.response.body", "body": b""})

    async def _send_whole(self) -> None:
        try:
            self._check(begun=True)
            content = await self._reported(json.loads(self._body))
        except _FailedError as failed:
            await self._send_content(500, _error(str(failed)))
        else:
            await self._send_content(self._start["status"], _encoded(content))

    async def _send_content(self, status: int, body: bytes) -> None:
        self._complete = True
        start = self._start or {"type": "http.response.start", "headers": [_JSON]}
        headers = [each for each in start["headers"] if each[0] != b"content-length"]
        headers.append((b"content-length", b"%d" % len(body)))
        await self._send({**start, "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _reported(self, content: dict[str, Any]) -> dict[str, Any]:
        """An answer, or a part of it, with the contributions to its tokens.

        Raises:
            _FailedError: The request has failed.
        """
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

    def _check(self, begun: bool = False) -> None:
        """Look at what was reported so far.

        Args:
            begun: Whether the pairs must have begun to read the request by now.

        Raises:
            _FailedError: The request has failed, or nobody can say that it has not.
        """
        self.inbox.drain()
        unheard = begun and self.tuned and not self.reports.connections
        if self.reports.error or self.reports.lost or unheard:
            raise _FailedError(self.reports.error or _LOST)


def _without_ids(content: dict[str, Any]) -> None:
    for name in _IDS:
        content.pop(name, None)


def _encoded(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _error(sentence: str) -> bytes:
    error = {"message": sentence, "type": "InternalServerError", "param": None, "code": 500}
    return _encoded({"error": error})
