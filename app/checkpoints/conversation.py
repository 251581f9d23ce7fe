"""What a prompt may be instead of a text: messages of a chat, or ids. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
_SPEAKERS = {USER: "User", ASSISTANT: "Assistant"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``role`` is who said it: system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in order, the one to answer last."""

    messages: tuple[Message, ...]

    @property
    def system(self) -> str:
        """What the system says, or nothing."""
        return "\n\n".join(item.content for item in self.messages if item.role == SYSTEM)

    @property
    def text(self) -> str:
        """The conversation for a model without a chat template, without what the system says.

        One message is itself; of several, each begins with who said it, and the answer is begun.
        """
        said = [item for item in self.messages if item.role != SYSTEM]
        if len(said) == 1:
            return said[0].content
        lines = [f"{_SPEAKERS[item.role]}: {item.content}" for item in said]
        return "\n\n".join([*lines, f"{_SPEAKERS[ASSISTANT]}:"])


@dataclass(frozen=True, slots=True)
class TokenIds:
    """A text as the ids of the base's tokenizer, with all that is to stand before it."""

    ids: tuple[int, ...]


Prompt = str | Conversation | TokenIds
