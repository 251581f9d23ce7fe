"""Types of a prompt: a text, a conversation, a raw text, or token ids. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import PromptError

SYSTEM, USER, ASSISTANT, TOOL = "system", "user", "assistant", "tool"
_ROLES = {SYSTEM: SYSTEM, "developer": SYSTEM, USER: USER, ASSISTANT: ASSISTANT}
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation.

    Attributes:
        role: Its author: system, user or assistant; in requests also a tool.
        content: Its text.
        fields: Further fields for chat templates, such as ``tool_calls``, as a JSON object; or
            empty.
    """

    role: str
    content: str
    fields: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of a conversation, oldest first; the last one is to be answered.

    Attributes:
        messages: The messages.
        continues: Whether the last message is the beginning of the answer, which goes on from it.
        tools: The tools that the answer may call, as a JSON list; empty if there are none.
    """

    messages: tuple[Message, ...]
    continues: bool = False
    tools: str = ""

    @property
    def system(self) -> str:
        """The content of all system messages, or an empty text."""
        return "\n\n".join(item.content for item in self.messages if item.role == SYSTEM)

    @property
    def spoken(self) -> tuple[Message, ...]:
        """The messages of user and assistant."""
        return tuple(item for item in self.messages if item.role != SYSTEM)

    @property
    def last(self) -> str:
        """The content of the last message; an empty text if there is none."""
        return self.messages[-1].content if self.messages else ""

    def with_message(self, role: str, content: str) -> Conversation:
        """This conversation with one more message."""
        return Conversation((*self.messages, Message(role, content)))

    @property
    def needs_tools(self) -> bool:
        """Whether there are tools, calls of tools or their results."""
        return bool(self.tools) or any(item.fields for item in self.messages)

    def as_json(self) -> list[dict[str, Any]]:
        """The messages as the ``messages`` of the OpenAI API."""
        return [
            {"role": item.role, "content": item.content, **json.loads(item.fields or "{}")}
            for item in self.messages
        ]

    def texts(self) -> Iterator[str]:
        """All texts that a chat template may read: contents, fields of messages, and tools."""
        for item in self.messages:
            yield item.content
            yield _with_plain_characters(item.fields)
        yield _with_plain_characters(self.tools)


@dataclass(frozen=True, slots=True)
class RawText:
    """A prompt that every role reads as it is, since its sender has applied a template or none.

    Only the system prompt of a persona stands before it.
    """

    text: str


@dataclass(frozen=True, slots=True)
class TokenIds:
    """A raw prompt as ids of the base's tokenizer, including special tokens such as BOS."""

    ids: tuple[int, ...]


RunPrompt = str | Conversation
"""The prompt of a run that a person starts; the history stores it."""
Prompt = RunPrompt | RawText | TokenIds


def _with_plain_characters(text: str) -> str:
    """JSON without escaped characters."""
    return json.dumps(json.loads(text), ensure_ascii=False) if text else ""


def last_message(prompt: RunPrompt) -> str:
    """A prompt in a list of runs: the text, or the last message of the conversation."""
    return prompt.last if isinstance(prompt, Conversation) else prompt


def contents(prompt: RunPrompt) -> str:
    """The text of a prompt: of a conversation, the contents of its messages in order."""
    if isinstance(prompt, Conversation):
        return "\n\n".join(item.content for item in prompt.messages)
    return prompt


def conversation_of(messages: object) -> Conversation:
    """The conversation that JSON in the form of the OpenAI API holds.

    Args:
        messages: A list of objects with ``role`` and ``content``, or an object with this list as
            ``messages``. The content is a text or a list of text parts. “developer” means system.

    Raises:
        PromptError: It has another form, or there is no message.
    """
    if isinstance(messages, Mapping) and "messages" in messages:
        messages = messages["messages"]
    if not isinstance(messages, list) or not messages:
        raise PromptError(
            "A conversation must be a list of messages with at least one message",
            evidence=f"it is {_shown(messages)}",
            next_step='Write for example [{"role": "user", "content": "Hello"}].',
        )
    return Conversation(tuple(_message(item, place) for place, item in enumerate(messages, 1)))


def check_answerable(conversation: Conversation) -> None:
    """Check that a conversation ends with a message of the user.

    Raises:
        PromptError: It ends with another message, or there is none.
    """
    if not conversation.messages or conversation.messages[-1].role != USER:
        last = conversation.messages[-1].role if conversation.messages else ""
        raise PromptError(
            "The conversation does not end with a message of the user",
            evidence=f"the last message is the {last}'s" if last else "it has no messages",
            next_step="Add the message that is to be answered.",
        )


def _message(item: object, place: int) -> Message:
    if not isinstance(item, Mapping):
        raise _refused(place, "is not an object with “role” and “content”", item)
    role = _ROLES.get(str(item.get("role")))
    if role is None:
        raise _refused(place, "has none of the roles system, user and assistant", item.get("role"))
    if item.get("tool_calls"):
        raise _refused(place, "calls tools, which are not supported", item["tool_calls"])
    content = _content(item.get("content"))
    if content is None and role != ASSISTANT:
        raise _refused(place, "has no text as its “content”", item.get("content"))
    return Message(role, content or "")


def _content(content: object) -> str | None:
    """The text of a message; None if it has another kind of content."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [_text_part(part) for part in content]
    return None if None in texts else "".join(text or "" for text in texts)


def _text_part(part: Any) -> str | None:
    if isinstance(part, Mapping) and part.get("type") == "text":
        text = part.get("text")
        return text if isinstance(text, str) else None
    return None


def _refused(place: int, problem: str, value: object) -> PromptError:
    return PromptError(f"Message {place} {problem}", evidence=f"it is {_shown(value)}")


def _shown(value: object) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
