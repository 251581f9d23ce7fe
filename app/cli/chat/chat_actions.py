"""The commands of ``tuneshift chat``, such as ``/alpha``."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from app.checkpoints.conversation import ASSISTANT, USER
from app.cli.chat.chat_settings import (
    OFF,
    change_setting,
    shown_alphas,
    shown_settings,
    with_alphas,
)
from app.cli.chat.chat_talk import Talk
from app.cli.messages_file import read_messages, write_messages
from app.decoding.thinking import answer_text
from app.errors import SettingsError

_MARK = "/"


class Next(Enum):
    """What follows a command."""

    NOTHING = auto()
    ANSWER = auto()
    """The last message is answered."""
    RETRY = auto()
    """The last message is answered again, with a new seed."""
    EDIT = auto()
    """The last message is typed again, beginning with what it was."""
    LEAVE = auto()


class _Command(NamedTuple):
    arguments: str
    help: str
    run: Callable[[Talk, str, Callable[[str], None]], Next]


def message_of(line: str) -> str | None:
    """The message in a line: without its first slash if it has two; None if it is a command."""
    if line.startswith(_MARK * 2):
        return line[1:]
    return None if line.startswith(_MARK) else line


def run_command(line: str, talk: Talk, show: Callable[[str], None]) -> Next:
    """Carry out a command.

    Args:
        line: The line that begins with a slash.
        talk: The conversation, which the command may change.
        show: Prints what the command shows.

    Raises:
        TuneshiftError: There is no such command, or it cannot be carried out.
    """
    name, _, arguments = line.partition(" ")
    command = _COMMANDS.get(name)
    if command is None:
        raise SettingsError(
            f"There is no command {name}",
            next_step=f"See /help; for a message that begins with a slash, write /{line}",
        )
    return command.run(talk, arguments.strip(), show)


def _alpha(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    if arguments:
        talk.recipe = with_alphas(talk.recipe, arguments.split())
    else:
        show(shown_alphas(talk.recipe))
    return Next.NOTHING


def _set(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    name, _, value = arguments.partition(" ")
    if not name:
        show(shown_settings(talk))
    elif not value.strip():
        raise SettingsError(f"/set {name} needs a value", next_step="For example: /set top-p 0.9")
    else:
        change_setting(talk, name, value.strip())
    return Next.NOTHING


def _system(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    if arguments:
        talk.system = "" if arguments == OFF else arguments
    else:
        show(talk.system or "There is no system prompt; each role uses its own.")
    return Next.NOTHING


def _undo(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    _require_message(talk)
    talk.drop_turn()
    return Next.NOTHING


def _retry(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    _require_message(talk)
    talk.drop_answer()
    return Next.RETRY


def _edit(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    _require_message(talk)
    if not arguments:
        return Next.EDIT
    talk.drop_turn()
    talk.ask(arguments)
    return Next.ANSWER


def _save(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    return _write(talk, arguments, replace=False)


def _replace_file(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    return _write(talk, arguments, replace=True)


def _write(talk: Talk, name: str, *, replace: bool) -> Next:
    _require_file(name)
    _require_message(talk)
    write_messages(talk.conversation, name, replace=replace)
    return Next.NOTHING


def _load(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    _require_file(arguments)
    talk.replace(read_messages(arguments))
    return Next.ANSWER if talk.waits else Next.NOTHING


def _history(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    names = {USER: "User", ASSISTANT: "Assistant"}
    if talk.system:
        show(f"System: {talk.system}\n")
    for place, item in enumerate(talk.said):
        run = f" ({talk.runs[place]})" if place in talk.runs else ""
        text = answer_text(item.content) if item.role == ASSISTANT else item.content
        show(f"{names[item.role]}{run}: {text.strip()}\n")
    return Next.NOTHING


def _help(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    rows = [(f"{name} {command.arguments}", command.help) for name, command in _COMMANDS.items()]
    width = max(len(usage) for usage, _ in rows)
    show("\n".join(f"{usage:<{width}}  {said}" for usage, said in rows))
    return Next.NOTHING


def _exit(talk: Talk, arguments: str, show: Callable[[str], None]) -> Next:
    return Next.LEAVE


def _require_message(talk: Talk) -> None:
    if not talk.asked:
        raise SettingsError("There is no message yet")


def _require_file(name: str) -> None:
    if not name:
        raise SettingsError("Name a file", next_step="For example: /save talk.json")


_COMMANDS = {
    "/alpha": _Command(
        "[VALUE … | NAME=VALUE …]",
        "show or set the alphas of the next answers",
        _alpha,
    ),
    "/retry": _Command("", "answer the last message again, with a new seed", _retry),
    "/edit": _Command("[TEXT]", "change the last message and answer it again", _edit),
    "/undo": _Command("", "take back the last message and its answer", _undo),
    "/system": _Command("[TEXT | off]", "show, set or remove the system prompt", _system),
    "/set": _Command("[NAME VALUE]", "show or change the sampling settings", _set),
    "/history": _Command("", "show the conversation, with the ids of its answers", _history),
    "/save": _Command("FILE", "write the messages as JSON", _save),
    "/save!": _Command("FILE", "the same, replacing a file", _replace_file),
    "/load": _Command("FILE", "go on with the messages of a file", _load),
    "/help": _Command("", "show this list", _help),
    "/exit": _Command("", "leave, as Ctrl+D does", _exit),
}
COMMANDS = tuple(_COMMANDS)
