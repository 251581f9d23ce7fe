"""Types of a prompt: a text, a conversation, or token ids. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
_SPEAKERS = {USER: "User", ASSISTANT: "Assistant"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; ``role`` is its author: system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of a conversation, oldest first; the last one is to be answered."""

    messages: tuple[Message, ...]

    @property
    def system(self) -> str:
        """The content of all system messages, or an empty text."""
        return "\n\n".join(item.content for item in self.messages if item.role == SYSTEM)

    @property
    def last(self) -> str:
        """The content of the last message; an empty text if there is none."""
        return self.messages[-1].content if self.messages else ""

    def with_message(self, role: str, content: str) -> Conversation:
        """This conversation with one more message."""
        return Conversation((*self.messages, Message(role, content)))

    @property
    def text(self) -> str:
        """The conversation as text for a model without a chat template, without system messages.

        A single message is used as it is. Several are labelled with their authors, and the label of
        the answer follows them.
        """
        said = [item for item in self.messages if item.role != SYSTEM]
        if len(said) == 1:
            return said[0].content
        lines = [f"{_SPEAKERS[item.role]}: {item.content}" for item in said]
        return "\n\n".join([*lines, f"{_SPEAKERS[ASSISTANT]}:"])


@dataclass(frozen=True, slots=True)
class TokenIds:
    """A prompt as ids of the base's tokenizer, including special tokens such as BOS."""

    ids: tuple[int, ...]


RunPrompt = str | Conversation
"""The prompt of a run that a person starts; the history stores it."""
Prompt = RunPrompt | TokenIds


def last_message(prompt: RunPrompt) -> str:
    """A prompt in a list of runs: the text, or the last message of the conversation."""
    return prompt.last if isinstance(prompt, Conversation) else prompt


def contents(prompt: RunPrompt) -> str:
    """The text of a prompt: of a conversation, the contents of its messages in order."""
    if isinstance(prompt, Conversation):
        return "\n\n".join(item.content for item in prompt.messages)
    return prompt
