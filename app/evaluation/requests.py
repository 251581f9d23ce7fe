"""What is asked of a model and what it answers. Imports no torch: the window uses it."""

from __future__ import annotations

from dataclasses import dataclass

from app.decoding.types import GenerationConfig


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt for roles of either prompt format.

    Attributes:
        plain: What is given to a role whose format is plain or a template.
        chat: What is given to a role whose format is chat, where that is another text.
        reply: What the reply of such a role begins with.
    """

    plain: str
    chat: str | None = None
    reply: str = ""

    @property
    def message(self) -> str:
        return self.plain if self.chat is None else self.chat


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """How probable is ``text`` after ``prompt``? Without a prompt, the text is read as it is.

    Attributes:
        context: Of a text without a prompt that is longer than the context of the models, the least
            share of the context that is before a token, from 0 to 1.
    """

    text: str
    prompt: Prompt | None = None
    context: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """What a role says of a text.

    Attributes:
        logprob: The sum over its tokens.
        greedy: Whether each of them is the most probable one.
        tokens: How many they are.
        cut: Whether the prompt was too long and lost its beginning.
    """

    logprob: float
    greedy: bool
    tokens: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Continue ``prompt`` as ``config`` says."""

    prompt: Prompt
    config: GenerationConfig
