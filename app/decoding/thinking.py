"""The thinking of a model before its answer: the marks around it, and a splitter of texts.

Imports no torch. Thinking stands before the answer, between an opening and a closing mark, and the
opening mark may be the end of the prompt. Marks inside an answer are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ThinkingForm:
    """The marks of one family of models.

    Attributes:
        opening: What begins the thinking.
        closing: What ends it.
        headers: What may stand before the answer without belonging to it.
    """

    opening: str
    closing: str
    headers: tuple[str, ...] = ()


_FINAL = "<|channel|>final<|message|>"
KNOWN_FORMS = (
    ThinkingForm("<think>", "</think>"),  # DeepSeek, Qwen, GLM, Phi, Nemotron, OLMo …
    ThinkingForm("<thinking>", "</thinking>"),
    ThinkingForm("<thought>", "</thought>"),  # EXAONE
    ThinkingForm("<reasoning>", "</reasoning>"),
    ThinkingForm("<seed:think>", "</seed:think>"),  # Seed-OSS
    ThinkingForm("[THINK]", "[/THINK]"),  # Magistral
    ThinkingForm("◁think▷", "◁/think▷"),  # Kimi
    ThinkingForm("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ThinkingForm("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker, Sky-T1
    ThinkingForm("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ThinkingForm("<|channel>thought", "<channel|>"),  # Gemma 4
    ThinkingForm(  # gpt-oss
        "<|channel|>analysis<|message|>", "<|end|>", (f"<|start|>assistant{_FINAL}", _FINAL)
    ),
)
_TAG = re.compile(r"<([\w:.-]*(?:think|thought|reason)[\w:.-]*)>")


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a run may think.

    Attributes:
        forms: The marks to look for.
        begun: The form whose opening mark ends the prompt, so that the text begins with thinking.
        prompt_known: Whether ``begun`` is known. If not, a text that has a closing mark and does
            not begin with an opening mark begins with thinking.
    """

    forms: tuple[ThinkingForm, ...] = KNOWN_FORMS
    begun: ThinkingForm | None = None
    prompt_known: bool = False


UNKNOWN_THINKING = Thinking()
"""For a run whose prompt and tokenizers are not at hand, such as one of the history."""


class Kind(StrEnum):
    """What a part of a text is."""

    ANSWER = "answer"
    THINKING = "thinking"
    MARK = "mark"  # a mark, with the white space after a closing one


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a text; offsets in Unicode code points, ``end`` exclusive."""

    kind: Kind
    start: int
    end: int


def forms_of(templates: Iterable[str]) -> tuple[ThinkingForm, ...]:
    """The forms whose marks occur in chat templates, or in special tokens given like these."""
    text = "\0".join(templates)
    tags = (ThinkingForm(f"<{name}>", f"</{name}>") for name in _TAG.findall(text))
    named = dict.fromkeys((*KNOWN_FORMS, *tags))
    return tuple(form for form in named if form.opening in text and form.closing in text)


def thinking_after(prompts: Iterable[str], forms: tuple[ThinkingForm, ...]) -> Thinking:
    """How a run may think whose roles have read these prompts, or the ends of them."""
    ends = [prompt.rstrip() for prompt in prompts]
    begun = (form for form in forms if any(end.endswith(form.opening) for end in ends))
    return Thinking(forms, next(begun, None), prompt_known=True)


class ThinkingSplitter:
    """Splits a text that comes piece by piece; holds back what may become a mark.

    Args:
        thinking: How the run may think.
    """

    def __init__(self, thinking: Thinking) -> None:
        self._forms = thinking.forms
        self._inside = thinking.begun
        self._answering = False
        self._thought = False
        self._held = ""

    @property
    def inside(self) -> bool:
        """Whether the text so far ends inside thinking, whose closing mark is not complete."""
        return self._inside is not None

    def push(self, text: str) -> Iterator[tuple[Kind, str]]:
        """The parts that are certain after ``text``; parts of one kind may come in pieces."""
        self._held += text
        if self._answering:
            yield from self._release(Kind.ANSWER, len(self._held))
            return
        while self._held:
            before = len(self._held)
            yield from self._thoughts() if self._inside else self._opening()
            if self._answering or len(self._held) == before:
                return

    def finish(self) -> Iterator[tuple[Kind, str]]:
        """The parts that were held back."""
        kind = Kind.ANSWER
        if self._inside:
            kind = Kind.THINKING
        elif self._thought and not self._answering and not self._held.strip():
            kind = Kind.MARK
        yield from self._release(kind, len(self._held))

    def _release(self, kind: Kind, count: int) -> Iterator[tuple[Kind, str]]:
        if count:
            part, self._held = self._held[:count], self._held[count:]
            yield kind, part

    def _thoughts(self) -> Iterator[tuple[Kind, str]]:
        assert self._inside
        closing = self._inside.closing
        end = self._held.find(closing)
        if end >= 0:
            yield from self._release(Kind.THINKING, end)
            yield from self._release(Kind.MARK, len(closing))
            self._inside, self._thought = None, True
        else:
            yield from self._release(Kind.THINKING, len(self._held) - _begun(self._held, closing))

    def _opening(self) -> Iterator[tuple[Kind, str]]:
        """The mark before thinking or answer, or the beginning of the answer."""
        text = self._held.lstrip()
        space = len(self._held) - len(text)
        marks = [(mark, form) for form in self._forms for mark in (form.opening, *form.headers)]
        found = next(((mark, form) for mark, form in marks if text.startswith(mark)), None)
        if found:
            mark, form = found
            yield from self._release(Kind.MARK, space + len(mark))
            self._inside = form if mark == form.opening else None
            self._thought = True
        elif text and not any(mark.startswith(text) for mark, _ in marks):
            self._answering = True
            if self._thought:
                yield from self._release(Kind.MARK, space)
            yield from self._release(Kind.ANSWER, len(self._held))


def split_thinking(text: str, thinking: Thinking = UNKNOWN_THINKING) -> list[Segment]:
    """The segments of a text, in order and without gaps; neighbours have different kinds."""
    if not thinking.prompt_known:
        thinking = _inferred(text, thinking)
    splitter = ThinkingSplitter(thinking)
    found: list[Segment] = []
    end = 0
    for kind, part in (*splitter.push(text), *splitter.finish()):
        start = found.pop().start if found and found[-1].kind is kind else end
        end += len(part)
        found.append(Segment(kind, start, end))
    return found


def answer_text(text: str, thinking: Thinking = UNKNOWN_THINKING) -> str:
    """The answer in a text, without the thinking before it."""
    segments = split_thinking(text, thinking)
    return "".join(text[part.start : part.end] for part in segments if part.kind is Kind.ANSWER)


def _inferred(text: str, thinking: Thinking) -> Thinking:
    start = text.lstrip()
    if any(start.startswith(form.opening) for form in thinking.forms):
        return thinking
    alone = (form for form in thinking.forms if not form.headers and form.closing in text)
    begun = next(alone, None)
    return Thinking(thinking.forms, begun, prompt_known=True)


def _begun(text: str, mark: str) -> int:
    """Length of the longest end of ``text`` that begins ``mark``."""
    sizes = range(min(len(mark) - 1, len(text)), 0, -1)
    return next((size for size in sizes if text.endswith(mark[:size])), 0)
