"""Scoring and generation requests, and scores. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.conversation import Conversation
from app.decoding.coverage import Coverage
from app.decoding.types import GenerationConfig


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt for roles with different prompt formats.

    Attributes:
        plain: The prompt for roles with the format plain or a template.
        chat: The user message for roles with a chat template, if it differs from ``plain``.
        reply: The beginning of the reply for roles with a chat template.
    """

    plain: str
    chat: str | None = None
    reply: str = ""

    @property
    def message(self) -> str:
        return self.plain if self.chat is None else self.chat


@dataclass(frozen=True, slots=True)
class ConversationPrompt(Prompt):
    """Messages that every role reads in its own format; ``plain`` is the last one, for lists."""

    conversation: Conversation = Conversation(())  # noqa: RUF009 — frozen


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Score ``text`` after ``prompt``, or by itself if there is no prompt.

    Attributes:
        text: The text to score.
        prompt: The prompt, or None.
        context: For a text without a prompt that is longer than the context: the minimum share of
            the context before a scored token, from 0 to 1.
    """

    text: str
    prompt: Prompt | None = None
    context: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """The score of a text under one distribution.

    Attributes:
        logprob: The sum of the log-probabilities of its tokens.
        greedy: Whether every token is the argmax.
        tokens: Number of tokens.
        truncated: Whether the prompt was too long and lost its beginning.
        covered: The sums of the coverages of its tokens, where a pair has another vocabulary.
    """

    logprob: float
    greedy: bool
    tokens: int
    truncated: bool = False
    covered: Coverage | None = None


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Generate a continuation of ``prompt`` with the settings ``config``."""

    prompt: Prompt
    config: GenerationConfig
