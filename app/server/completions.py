"""The two forms of an answer, whole and in a stream, from the progress of its texts."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from app.checkpoints.conversation import Prompt
from app.decoding.types import FinishReason
from app.server.api_errors import ApiError
from app.server.completion_tokens import Piece, chat_logprobs, legacy_logprobs
from app.server.request_queue import Desk, Ended, Job, Started, closing

Json = dict[str, Any]
_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Form:
    """What distinguishes the two endpoints.

    Attributes:
        chat: Whether it is ``/v1/chat/completions``.
        logprobs: Whether log-probabilities are given.
        explain: Whether the extension is given.
        usage: Whether a stream ends with its usage.
        model: What the model is called.
        labels: What to call each id, [V].
        continued: Whether what is written after an echoed prompt is wanted.
    """

    chat: bool
    logprobs: bool
    explain: bool
    usage: bool
    model: str
    labels: Sequence[str]
    continued: bool = True
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, choices: list[Json], usage: Json) -> Json:
        """An answer that is no stream."""
        kind = "chat.completion" if self.chat else "text_completion"
        return {**self._head(kind), "choices": choices, "usage": usage}

    def choice(self, index: int, pieces: Sequence[Piece], reason: str) -> Json:
        """One choice of such an answer."""
        text = "".join(piece.text for piece in pieces)
        said: Json = (
            {"message": {"role": "assistant", "content": text, "refusal": None}}
            if self.chat
            else {"text": text}
        )
        return {"index": index, **said, "finish_reason": reason, **self._of_tokens(pieces)}

    def echo(
        self, index: int, prompt: Prompt, head: Sequence[int], pieces: Sequence[Piece], reason: str
    ) -> Json:
        """One choice that begins with its prompt.

        Args:
            index: Of the choice.
            prompt: The prompt.
            head: Its first ids, of which nothing is known.
            pieces: Those after them, and what was written then.
            reason: Why it ended.
        """
        given = "".join(piece.text for piece in pieces if piece.given)
        whole = prompt if isinstance(prompt, str) else "".join(self.labels[i] for i in head) + given
        text = whole + "".join(piece.text for piece in pieces if not piece.given)
        choice = {"index": index, "text": text, "finish_reason": reason, **self._of_tokens(pieces)}
        if self.logprobs:
            offset = len(whole) - len(given)
            choice["logprobs"] = legacy_logprobs(pieces, self.labels, head, offset)
        return choice

    def chunk(self, index: int, pieces: Sequence[Piece], reason: str | None) -> bytes:
        """Some tokens of one choice in a stream."""
        text = "".join(piece.text for piece in pieces)
        said: Json = {"text": text}
        if self.chat:
            said = {"delta": {"content": text} if pieces else {}}
        choice = {"index": index, **said, "finish_reason": reason, **self._of_tokens(pieces)}
        return self._event({"choices": [choice]})

    def opening(self, index: int) -> bytes:
        """How one choice begins in a stream of a chat."""
        delta = {"role": "assistant", "content": ""}
        choice = {"index": index, "delta": delta, "finish_reason": None, "logprobs": None}
        return self._event({"choices": [choice]})

    def closing(self, usage: Json) -> bytes:
        """The usage at the end of a stream."""
        return self._event({"choices": [], "usage": usage})

    def _event(self, content: Json) -> bytes:
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        return _event({**self._head(kind), **content})

    def _head(self, kind: str) -> Json:
        prefix = "chatcmpl" if self.chat else "cmpl"
        return {
            "id": f"{prefix}-{self.id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": None,
        }

    def _of_tokens(self, pieces: Sequence[Piece]) -> Json:
        found: Json = {"logprobs": None}
        if self.logprobs and pieces:
            make = chat_logprobs if self.chat else legacy_logprobs
            found["logprobs"] = make(pieces, self.labels)
        if self.explain and pieces:
            found["tuneshift"] = {"tokens": [piece.explained for piece in pieces]}
        return found


@dataclass(slots=True)
class _Usage:
    """Tokens read and written; a prompt counts once for all its choices."""

    prompts: dict[Prompt, int] = field(default_factory=dict)
    written: int = 0

    def as_json(self) -> Json:
        read = sum(self.prompts.values())
        return {
            "prompt_tokens": read,
            "completion_tokens": self.written,
            "total_tokens": read + self.written,
        }


async def write_whole(desk: Desk, jobs: Sequence[Job], form: Form) -> Json:
    """Every text, one choice for each.

    Raises:
        ApiError: A text cannot be written.
    """
    usage = _Usage()
    choices = []
    for index, job in enumerate(jobs):
        pieces: list[Piece] = []
        head: tuple[int, ...] = ()
        async with aclosing(desk.write(job)) as progress:
            async for item in progress:
                if isinstance(item, Started):
                    usage.prompts[job.prompt], head = item.prompt_tokens, item.head
                elif isinstance(item, Piece):
                    if item.given or form.continued:
                        pieces.append(item)
                elif job.echo:
                    choices.append(form.echo(index, job.prompt, head, pieces, _reason(item)))
                else:
                    choices.append(form.choice(index, pieces, _reason(item)))
        usage.written += sum(not piece.given for piece in pieces)
    return form.whole(choices, usage.as_json())


async def write_stream(desk: Desk, jobs: Sequence[Job], form: Form) -> AsyncGenerator[bytes, None]:
    """Every text as server-sent events; an error after the first of them is an event, too.

    Raises:
        ApiError: The first text cannot be begun.
    """
    usage = _Usage()
    begun = False
    try:
        for index, job in enumerate(jobs):
            async with aclosing(desk.write(job)) as progress:
                async for item in progress:
                    if isinstance(item, Started):
                        usage.prompts[job.prompt] = item.prompt_tokens
                        if form.chat:
                            yield form.opening(index)
                            begun = True
                        continue
                    if isinstance(item, Piece):
                        usage.written += 1
                        yield form.chunk(index, [item], None)
                    else:
                        yield form.chunk(index, [], _reason(item))
                    begun = True
    except ApiError as error:
        if not begun:
            raise
        yield _event(error.body())
        return
    if form.usage:
        yield form.closing(usage.as_json())
    yield _DONE


def _event(content: Json) -> bytes:
    return b"data: " + json.dumps(content, allow_nan=False).encode() + b"\n\n"


def _reason(ended: Ended) -> str:
    if ended.reason is FinishReason.CANCELLED:  # by nobody who reads this: the server is closing
        raise closing()
    return "length" if ended.reason is FinishReason.LENGTH else "stop"
