"""Files of messages: reading a conversation from JSON or JSON lines, and writing one."""

from __future__ import annotations

import json
from pathlib import Path

from app.atomic_files import write_file
from app.checkpoints.conversation import Conversation, conversation_of
from app.cli.text_input import decode_text, read_standard_input
from app.errors import PromptError

_STDIN = "-"


def read_messages(name: str) -> Conversation:
    """Read a conversation: a JSON list, an object with ``messages``, or a message on each line.

    Args:
        name: A file, or ``-`` for standard input.

    Raises:
        PromptError: The file cannot be read, or has other content.
    """
    if name == _STDIN:
        return _parse(read_standard_input(), "standard input")
    try:
        content = Path(name).expanduser().read_bytes()
    except OSError as error:
        raise PromptError(
            f"{name} cannot be read", evidence=error.strerror or str(error)
        ) from error
    return _parse(decode_text(content, name), name)


def write_messages(conversation: Conversation, name: str, *, replace: bool) -> None:
    """Write a conversation as a JSON list.

    Args:
        conversation: The conversation.
        name: The file.
        replace: Whether an existing file may be replaced.

    Raises:
        PromptError: The file exists, or cannot be written.
    """
    path = Path(name).expanduser()
    if path.exists() and not replace:
        raise PromptError(f"{name} exists", next_step=f"To replace it: /save! {name}")
    text = json.dumps(conversation.as_json(), ensure_ascii=False, indent=1)
    try:
        write_file(path, f"{text}\n".encode("utf-8", "replace"))
    except OSError as error:
        raise PromptError(
            f"{name} cannot be written", evidence=error.strerror or str(error)
        ) from error


def _parse(text: str, name: str) -> Conversation:
    try:
        return conversation_of(json.loads(text))
    except ValueError as whole:
        if not text.lstrip().startswith("{"):
            raise _not_json(name, whole) from whole
    except PromptError as error:
        if not _is_message(text):
            raise PromptError(
                f"{error.cause}, in {name}", evidence=error.evidence, next_step=error.next_step
            ) from error
    messages = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                messages.append(json.loads(line))
            except ValueError as error:
                raise _not_json(f"line {number} of {name}", error) from error
    return conversation_of(messages)


def _is_message(text: str) -> bool:
    """Whether a text is one JSON object with a role: a file of JSON lines with one line."""
    value = json.loads(text)
    return isinstance(value, dict) and "role" in value


def _not_json(name: str, error: ValueError) -> PromptError:
    return PromptError(
        f"The messages in {name} are not JSON",
        evidence=str(error),
        next_step='Write a list such as [{"role": "user", "content": "Hello"}].',
    )
