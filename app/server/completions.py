"""Responses of the completion endpoints: one JSON object, or a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from app.checkpoints.conversation import Prompt, RawText
from app.decoding.types import FinishReason
from app.server.api_errors import ApiError
from app.server.completion_tokens import CompletionToken, chat_logprobs, legacy_logprobs
from app.server.request_queue import (
    CompletionJob,
    Finished,
    Progress,
    RequestQueue,
    Started,
    closing,
)
from app.server.tool_calls import ToolCall, ToolForm, ToolText, split_calls

Json = dict[str, Any]
_DONE = b"data: [DONE]\n\n"
TOOL_CALLS = "tool_calls"
READING = b": reading the prompt\n\n"
"""A comment, which clients ignore: the prompt has been accepted."""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The options that determine what a response to one request contains.

    Attributes:
        chat: Whether the endpoint is ``/v1/chat/completions``, not ``/v1/completions``.
        logprobs: Whether to include log-probabilities.
        explain: Whether to include the ``tuneshift`` extension.
        usage: Whether a stream ends with a chunk with token counts.
        model: The model id in the response.
        token_labels: The label of each token id, [V].
        include_generated: Whether to include the text generated after an echoed prompt.
        tool_form: The format in which the answer may call tools; None if it may not.
    """

    chat: bool
    logprobs: bool
    explain: bool
    usage: bool
    model: str
    token_labels: Sequence[str]
    include_generated: bool = True
    tool_form: ToolForm | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def response(self, choices: list[Json], usage: Json) -> Json:
        """The body of a response that is not streamed."""
        kind = "chat.completion" if self.chat else "text_completion"
        return {**self._head(kind), "choices": choices, "usage": usage}

    def choice(self, index: int, tokens: Sequence[CompletionToken], reason: str) -> Json:
        """One element of ``choices`` in a response that is not streamed."""
        text = "".join(token.text for token in tokens)
        calls: list[ToolCall] = []
        if self.tool_form is not None:
            text, calls = split_calls(text, self.tool_form)
        content_fields: Json = {"text": text}
        if self.chat:
            message: Json = {"role": "assistant", "content": text, "refusal": None}
            if calls:
                called = [call.as_json() for call in calls]
                message |= {"content": text or None, "tool_calls": called}
                reason = TOOL_CALLS
            content_fields = {"message": message}
        return {
            "index": index,
            **content_fields,
            "finish_reason": reason,
            **self._token_fields(tokens),
        }

    def echoed_choice(
        self,
        index: int,
        prompt: Prompt,
        unscored_ids: Sequence[int],
        tokens: Sequence[CompletionToken],
        reason: str,
    ) -> Json:
        """One element of ``choices`` that begins with its prompt (``echo``).

        Args:
            index: Index of the choice.
            prompt: The prompt.
            unscored_ids: The first token ids of the prompt, which have no log-probabilities.
            tokens: The scored tokens of the prompt, then the generated tokens.
            reason: The finish reason.
        """
        from_prompt = "".join(token.text for token in tokens if token.from_prompt)
        shown_prompt = (
            prompt.text
            if isinstance(prompt, RawText)
            else "".join(self.token_labels[i] for i in unscored_ids) + from_prompt
        )
        text = shown_prompt + "".join(token.text for token in tokens if not token.from_prompt)
        choice = {
            "index": index,
            "text": text,
            "finish_reason": reason,
            **self._token_fields(tokens),
        }
        if self.logprobs:
            offset = len(shown_prompt) - len(from_prompt)
            choice["logprobs"] = legacy_logprobs(tokens, self.token_labels, unscored_ids, offset)
        return choice

    def chunk(
        self,
        index: int,
        tokens: Sequence[CompletionToken],
        reason: str | None,
        text: str | None = None,
    ) -> bytes:
        """A server-sent event with some tokens of one choice; ``text`` replaces theirs."""
        if text is None:
            text = "".join(token.text for token in tokens)
        content_fields: Json = {"text": text}
        if self.chat:
            content_fields = {"delta": {"content": text} if tokens or text else {}}
        choice = {
            "index": index,
            **content_fields,
            "finish_reason": reason,
            **self._token_fields(tokens),
        }
        return self._event({"choices": [choice]})

    def role_chunk(self, index: int) -> bytes:
        """The first event of a choice of a streamed chat, which names the role."""
        delta = {"role": "assistant", "content": ""}
        choice = {"index": index, "delta": delta, "finish_reason": None, "logprobs": None}
        return self._event({"choices": [choice]})

    def calls_chunk(self, index: int, calls: Sequence[ToolCall]) -> bytes:
        """The event with the calls of tools of one choice."""
        called = [{"index": place, **call.as_json()} for place, call in enumerate(calls)]
        choice = {"index": index, "delta": {"tool_calls": called}, "finish_reason": None}
        return self._event({"choices": [choice | {"logprobs": None}]})

    def usage_chunk(self, usage: Json) -> bytes:
        """The last event of a stream, with token counts."""
        return self._event({"choices": [], "usage": usage})

    def _event(self, content: Json) -> bytes:
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        usage: Json = {"usage": None} if self.usage else {}
        return _event({**self._head(kind), **usage, **content})

    def _head(self, kind: str) -> Json:
        prefix = "chatcmpl" if self.chat else "cmpl"
        return {
            "id": f"{prefix}-{self.id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": None,
        }

    def _token_fields(self, tokens: Sequence[CompletionToken]) -> Json:
        found: Json = {"logprobs": None}
        if self.logprobs and tokens:
            make = chat_logprobs if self.chat else legacy_logprobs
            found["logprobs"] = make(tokens, self.token_labels)
        if self.explain and tokens:
            found["tuneshift"] = {"tokens": [token.explained for token in tokens]}
        return found


@dataclass(slots=True)
class _Usage:
    """Token counts of one request; a prompt shared by several choices is counted once.

    Attributes:
        prompts: The length of each prompt.
        cached: How many tokens of each prompt were read before this request.
        written: The number of generated tokens.
    """

    prompts: dict[Prompt, int] = field(default_factory=dict)
    cached: dict[Prompt, int] = field(default_factory=dict)
    written: int = 0

    def count(self, prompt: Prompt, item: Progress) -> None:
        """Count what came for one choice."""
        if isinstance(item, Started):
            self.prompts[prompt] = item.prompt_tokens
        elif isinstance(item, Finished):
            # The first choice has read the prompt for the others.
            known = self.cached.get(prompt, item.cached_tokens)
            self.cached[prompt] = min(known, item.cached_tokens)
        else:
            self.written += not item.from_prompt

    def as_json(self) -> Json:
        read = sum(self.prompts.values())
        return {
            "prompt_tokens": read,
            "completion_tokens": self.written,
            "total_tokens": read + self.written,
            "prompt_tokens_details": {"cached_tokens": sum(self.cached.values())},
        }


async def complete(
    queue: RequestQueue, jobs: Sequence[CompletionJob], response_format: ResponseFormat
) -> Json:
    """Generate all jobs and return the body of the response, with one choice for each job.

    Raises:
        ApiError: A job fails.
    """
    usage = _Usage()
    choices = [_Choice(job) for job in jobs]
    async with aclosing(_run_all(queue, jobs)) as progress:
        async for index, item in progress:
            if isinstance(item, CompletionToken) and not (
                item.from_prompt or response_format.include_generated
            ):
                continue
            usage.count(jobs[index].prompt, item)
            choices[index].add(item)
    return response_format.response(
        [choice.as_json(index, response_format) for index, choice in enumerate(choices)],
        usage.as_json(),
    )


@dataclass(slots=True)
class _Choice:
    """What has been generated for one choice of a response that is not streamed."""

    job: CompletionJob
    tokens: list[CompletionToken] = field(default_factory=list)
    unscored_ids: tuple[int, ...] = ()
    reason: str = ""

    def add(self, item: Progress) -> None:
        if isinstance(item, Started):
            self.unscored_ids = item.unscored_ids
        elif isinstance(item, CompletionToken):
            self.tokens.append(item)
        else:
            self.reason = _reason(item)

    def as_json(self, index: int, response_format: ResponseFormat) -> Json:
        if not self.job.echo:
            return response_format.choice(index, self.tokens, self.reason)
        return response_format.echoed_choice(
            index, self.job.prompt, self.unscored_ids, self.tokens, self.reason
        )


async def stream_events(
    queue: RequestQueue, jobs: Sequence[CompletionJob], response_format: ResponseFormat
) -> AsyncGenerator[bytes, None]:
    """Generate all jobs and yield the response as server-sent events.

    The chunks of several choices alternate. An error after the first event is sent as an event.

    Raises:
        ApiError: A job fails before the first event.
    """
    usage = _Usage()
    begun = False
    form = response_format.tool_form
    tool_texts = [] if form is None else [ToolText(form) for _ in jobs]
    try:
        async with aclosing(_run_all(queue, jobs)) as progress:
            async for index, item in progress:
                usage.count(jobs[index].prompt, item)
                if isinstance(item, CompletionToken):
                    text = tool_texts[index].push(item.text) if tool_texts else None
                    yield response_format.chunk(index, [item], None, text)
                elif isinstance(item, Finished):
                    reason = _reason(item)
                    rest, calls = tool_texts[index].finish() if tool_texts else ("", [])
                    if rest:
                        yield response_format.chunk(index, [], None, rest)
                    if calls:
                        yield response_format.calls_chunk(index, calls)
                    yield response_format.chunk(index, [], TOOL_CALLS if calls else reason)
                elif response_format.chat:
                    yield response_format.role_chunk(index)
                else:
                    yield READING
                begun = True
    except ApiError as error:
        if not begun:
            raise
        yield _event(error.body())
        return
    if response_format.usage:
        yield response_format.usage_chunk(usage.as_json())
    yield _DONE


async def _run_all(
    queue: RequestQueue, jobs: Sequence[CompletionJob]
) -> AsyncGenerator[tuple[int, Progress], None]:
    """Generate jobs side by side, and yield what comes with the index of its job.

    A request has no more jobs in the queue than can run at once. Closing the generator cancels all.

    Raises:
        ApiError: A job fails; the others are cancelled.
    """
    found: asyncio.Queue[tuple[int, Progress] | Exception | None] = asyncio.Queue()
    places = iter(enumerate(jobs))

    async def work(*, further: bool) -> None:
        try:
            for index, job in places:
                async with aclosing(queue.generate(job, further=further)) as progress:
                    async for item in progress:
                        found.put_nowait((index, item))
                further = True
        except Exception as error:
            found.put_nowait(error)
        else:
            found.put_nowait(None)

    count = min(len(jobs), queue.parallel)
    tasks = [asyncio.create_task(work(further=place > 0)) for place in range(count)]
    try:
        while count:
            item = await found.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                count -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _event(content: Json) -> bytes:
    return b"data: " + json.dumps(content, allow_nan=False).encode() + b"\n\n"


def _reason(ended: Finished) -> str:
    if (
        ended.reason is FinishReason.CANCELLED
    ):  # the client did not cancel: the server is shutting down
        raise closing()
    full = ended.reason in (FinishReason.LENGTH, FinishReason.CONTEXT)
    return "length" if full else "stop"
