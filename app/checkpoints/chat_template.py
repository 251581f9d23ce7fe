"""Rendering of chat templates, which are programs of the models' makers: bounded, cancellable."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Any

from jinja2 import Environment, TemplateSyntaxError
from transformers import PreTrainedTokenizerBase

from app.errors import Cancelled, PromptError

MOST_SECONDS = 5.0
"""Processor time that rendering one prompt may take; common templates take milliseconds."""

_CODE_OF_TEMPLATES = "<template>"  # the file name that jinja gives to what it compiles
_STEPS = 64


def encode_with_template(
    tokenizer: PreTrainedTokenizerBase,
    name: str,
    messages: list[dict[str, Any]],
    cancelled: Callable[[], bool] = lambda: False,
    *,
    continues: bool = False,
    tools: list[Any] | None = None,
) -> list[int]:
    """The ids of ``messages`` in the chat template of a tokenizer, up to the next answer.

    Args:
        tokenizer: The tokenizer.
        name: The name of the model in errors.
        messages: The messages, with ``role`` and ``content``.
        cancelled: Asked every few steps of the template.
        continues: Whether the last message is the beginning of the answer; the ids end with it.
        tools: The tools that the answer may call, as in the OpenAI API.

    Raises:
        PromptError: The model has no chat template, or the template refuses the messages or takes
            too long.
        Cancelled: When ``cancelled`` says so.
    """
    if not tokenizer.chat_template:
        raise PromptError(
            f"The model {name} has no chat template",
            next_step="Set its prompt format to plain or to a template of your own.",
        )
    try:
        check_powers(tokenizer.get_chat_template())
        with bounded_rendering(cancelled, MOST_SECONDS):
            encoded: Any = tokenizer.apply_chat_template(
                messages,
                add_generation_prompt=not continues,
                continue_final_message=continues,
                tools=tools,
                tokenize=True,
                return_dict=True,
            )
    except Cancelled:
        raise
    except RenderingError as error:
        raise PromptError(
            f"The chat template of {name} cannot be used",
            evidence=str(error),
            next_step="Set another prompt format for this model.",
        ) from error
    except Exception as error:  # templates raise many kinds, such as “no system prompts”
        raise PromptError(
            f"The chat template of {name} refuses this prompt",
            evidence=str(error),
            next_step="Leave the system prompt empty, or set another prompt format.",
        ) from error
    return list(encoded["input_ids"])


class RenderingError(Exception):
    """A template takes too long to render, or may do so."""


class _Stopped(BaseException):  # not an Exception, which a filter of jinja may catch
    """Rendering was stopped."""


@contextmanager
def bounded_rendering(cancelled: Callable[[], bool], seconds: float) -> Iterator[None]:
    """Bound the processor time of templates that this thread renders within the block.

    Python calls back at every line of the compiled template (``sys.settrace``), since a loop of
    jinja offers no other place to stop it. Code outside templates, such as the tokenizer, is not
    traced, and neither are other threads.

    Raises:
        Cancelled: When ``cancelled`` says so.
        RenderingError: The template took longer than ``seconds``.
    """
    end = time.thread_time() + seconds
    steps = 0

    def follow_line(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal steps
        steps += 1
        if steps % _STEPS == 0 and (cancelled() or time.thread_time() > end):
            raise _Stopped
        return follow_line

    def follow_call(frame: FrameType, event: str, argument: object) -> Any:
        return follow_line if frame.f_code.co_filename == _CODE_OF_TEMPLATES else None

    before = sys.gettrace()
    sys.settrace(follow_call)
    try:
        yield
    except _Stopped:
        if cancelled():
            raise Cancelled from None
        raise RenderingError(
            f"it was stopped after {seconds:g} s of processor time; its loops may not end"
        ) from None
    finally:
        sys.settrace(before)


@lru_cache(maxsize=32)
def check_powers(template: str) -> None:
    """Refuse a template with the operator ``**``, which no message needs.

    One power of large numbers takes hours inside a single step, where nothing can stop it.

    Raises:
        RenderingError: The template has the operator.
    """
    try:
        tokens = list(Environment().lex(template))
    except TemplateSyntaxError:
        return  # rendering it says more
    if any(kind == "operator" and value == "**" for _, kind, value in tokens):
        raise RenderingError("it computes powers (**), which may take hours")
