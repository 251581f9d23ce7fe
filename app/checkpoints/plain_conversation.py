r"""The plain form of a conversation, which a role without a chat template reads.

A role whose prompt format is ``plain`` reads messages under the names of their authors, after the
system prompt::

    Be brief.

    User:
    What is the capital of France?

    Assistant:
    Paris.

    User:
    And of Italy?

    Assistant:

A role with a prompt template of its own reads the filled template once for each message of the
user, with the answer after it. In both forms, an empty line separates an answer from the next
message. The prompt ends with the line break after “Assistant:”, so the answer begins without a
space, as it does after most chat templates: the tokens of an answer are the same for all roles.

Such a role has no token that ends its turn. The answer ends where the next turn of its form would
begin, which is a stop string: ``\n\nUser:`` for the plain form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.checkpoints.conversation import ASSISTANT, Conversation, Prompt
from app.checkpoints.spec import CHAT, PERSONA_TEMPLATE, PLAIN, CheckpointSpec, Recipe

_BETWEEN = "\n\n"
_USER, _ASSISTANT = "User:\n", "Assistant:\n"


def conversation_text(conversation: Conversation, spec: CheckpointSpec) -> str:
    """The text of a conversation for a role whose prompt format is not ``chat``.

    The system messages replace the system prompt of ``spec``, which a ``plain`` format ignores.
    """
    system = conversation.system or ("" if spec.prompt == PLAIN else spec.system)
    turns = list(_turns(conversation))
    if spec.prompt in (PLAIN, PERSONA_TEMPLATE):
        texts = [_labelled(asked) + answer for asked, answer in turns]
        return _BETWEEN.join([system, *texts] if system else texts)
    first = spec.prompt if system else _later_template(spec.prompt)
    templates = [first, *[_later_template(spec.prompt)] * (len(turns) - 1)]
    return _BETWEEN.join(
        _answered(_filled(template, asked, system), answer)
        for template, (asked, answer) in zip(templates, turns, strict=True)
    )


def next_turns(recipe: Recipe, prompt: Prompt, role: int | None = None) -> tuple[str, ...]:
    r"""The stop strings that end an answer where the next turn of a role's form would begin.

    Args:
        recipe: The recipe.
        prompt: The prompt; only a conversation has turns.
        role: The index of the only role that generates, or None for the tuned distribution.
    """
    if not isinstance(prompt, Conversation):
        return ()
    specs = recipe.checkpoints()
    reading = specs if role is None else [specs[role]]
    return tuple(dict.fromkeys(filter(None, map(_next_turn, reading))))


def _next_turn(spec: CheckpointSpec) -> str:
    """The text with which the next turn begins; empty if the format has no such text."""
    if spec.prompt == CHAT:
        return ""
    template = _USER if spec.prompt in (PLAIN, PERSONA_TEMPLATE) else _later_template(spec.prompt)
    opening = template.partition("{prompt}")[0].rstrip()
    return _BETWEEN + opening if opening else ""


def _turns(conversation: Conversation) -> Iterator[tuple[str, str]]:
    """What the user said and the answer to it, turn by turn.

    The last answer is empty, or the beginning that is to be continued.
    """
    asked: list[str] = []
    for item in conversation.spoken:
        if item.role == ASSISTANT:
            yield _BETWEEN.join(asked), item.content
            asked = []
        else:
            asked.append(item.content)
    if not conversation.continues:
        yield _BETWEEN.join(asked), ""


def _labelled(asked: str) -> str:
    return f"{_USER}{asked}{_BETWEEN}{_ASSISTANT}" if asked else _ASSISTANT


def _later_template(template: str) -> str:
    """The template of the turns after the first one, which have no system prompt."""
    return template.replace("{system}", "").lstrip("\n")


def _answered(asked: str, answer: str) -> str:
    """A filled template with the answer after it, apart from it by white space."""
    apart = not answer or asked[-1:].isspace() or answer[0].isspace()
    return asked + ("" if apart else " ") + answer


def _filled(template: str, prompt: str, system: str) -> str:
    values = {"{system}": system, "{prompt}": prompt}
    return re.sub(r"\{system\}|\{prompt\}", lambda place: values[place[0]], template)
