"""A run as messages: the conversation that it answers, and its answer."""

from __future__ import annotations

import json

from app.checkpoints.conversation import ASSISTANT, SYSTEM, USER, Conversation, Message
from app.decoding.thinking import answer_text
from app.history.export.document import Document

AUTHORS = {SYSTEM: "System", USER: "User", ASSISTANT: "Assistant"}


def answered(document: Document) -> Conversation:
    """The conversation with the answer of the run, as later turns read it: without its thinking.

    A text prompt counts as the user's message.
    """
    prompt = document.run.prompt
    asked = prompt if isinstance(prompt, Conversation) else Conversation((Message(USER, prompt),))
    return asked.with_message(ASSISTANT, answer_text(document.text))


def write_conversation(document: Document) -> str:
    """The messages as Markdown, each under the name of its author; contents are not escaped."""
    return conversation_as_markdown(answered(document))


def conversation_as_markdown(conversation: Conversation) -> str:
    """The messages as Markdown, each under the name of its author; contents are not escaped."""
    messages = conversation.messages
    return "\n".join(f"## {AUTHORS[item.role]}\n\n{item.content.strip()}\n" for item in messages)


def write_messages(document: Document) -> str:
    """The messages as JSON, as ``tuneshift chat`` and OpenAI-compatible APIs read them."""
    return json.dumps(answered(document).as_json(), ensure_ascii=False, indent=1) + "\n"
