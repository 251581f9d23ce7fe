"""Thinking before an answer: marks in templates, and the splitting of texts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.decoding.thinking import (
    KNOWN_FORMS,
    Kind,
    Thinking,
    ThinkingForm,
    ThinkingSplitter,
    answer_text,
    forms_of,
    split_thinking,
    thinking_after,
)

THINK = ThinkingForm("<think>", "</think>")
QWEN = Thinking((THINK,), prompt_known=True)
R1 = Thinking((THINK,), begun=THINK, prompt_known=True)
GEMMA = next(form for form in KNOWN_FORMS if form.closing == "<channel|>")
GPT_OSS = next(form for form in KNOWN_FORMS if form.headers)
ANY = Thinking(KNOWN_FORMS, prompt_known=True)
A, T, M = Kind.ANSWER, Kind.THINKING, Kind.MARK

QWEN3_TEMPLATE = """
{%- if '</think>' in content %}{% set reasoning_content = content.split('</think>')[0] %}{% endif %}
{{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') }}
{{- '\\n</think>\\n\\n' + content.lstrip('\\n') }}
"""


def parts(text: str, thinking: Thinking = ANY) -> list[tuple[Kind, str]]:
    segments = split_thinking(text, thinking)
    assert "".join(text[part.start : part.end] for part in segments) == text
    assert all(one.kind is not other.kind for one, other in pairwise(segments))
    return [(part.kind, text[part.start : part.end]) for part in segments]


@pytest.mark.parametrize(
    ("templates", "found"),
    [
        ([QWEN3_TEMPLATE], [THINK]),
        (["{{ message.content }}", ""], []),
        (["<think>"], []),  # a mark that never ends is none
        (["<|channel>", "thought", "<channel|>"], []),
        (["'<|channel>thought\\n' + thinking + '<channel|>'"], [GEMMA]),
        (["[THINK]", "[/THINK]"], [ThinkingForm("[THINK]", "[/THINK]")]),
        (["<x_think>a</x_think>"], [ThinkingForm("<x_think>", "</x_think>")]),
    ],
)
def test_marks_are_found_in_templates_and_tokens(
    templates: list[str], found: list[ThinkingForm]
) -> None:
    assert list(forms_of(templates)) == found


def test_a_prompt_may_begin_the_thinking() -> None:
    forms = (THINK, GEMMA)
    assert thinking_after(["Hi", "<|assistant|><think>\n"], forms).begun == THINK
    assert thinking_after(["<|turn>model\n<|channel>thought\n"], forms).begun == GEMMA
    closed = "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    assert thinking_after([closed, "a <think> b"], forms) == Thinking(forms, prompt_known=True)


@pytest.mark.parametrize(
    ("text", "thinking", "expected"),
    [
        ("Hello", QWEN, [(A, "Hello")]),
        (" \n Hello", QWEN, [(A, " \n Hello")]),
        ("", QWEN, []),
        (
            "<think>\nHm.\n</think>\n\nYes.",
            QWEN,
            [(M, "<think>"), (T, "\nHm.\n"), (M, "</think>\n\n"), (A, "Yes.")],
        ),
        ("\n<think>Hm", QWEN, [(M, "\n<think>"), (T, "Hm")]),
        ("Hm.\n</think>\n\n Yes.", R1, [(T, "Hm.\n"), (M, "</think>\n\n "), (A, "Yes.")]),
        ("Hm", R1, [(T, "Hm")]),
        ("</think>Yes", R1, [(M, "</think>"), (A, "Yes")]),
        ("In HTML, <think> and </think>", QWEN, [(A, "In HTML, <think> and </think>")]),
        ("a</think>b", QWEN, [(A, "a</think>b")]),
        ("<thi", QWEN, [(A, "<thi")]),
        ("<think>a</thi", QWEN, [(M, "<think>"), (T, "a</thi")]),
        ("<think>a</think>\n", QWEN, [(M, "<think>"), (T, "a"), (M, "</think>\n")]),
        (
            "<think>a</think><think>b</think>c",
            QWEN,
            [(M, "<think>"), (T, "a"), (M, "</think><think>"), (T, "b"), (M, "</think>"), (A, "c")],
        ),
        (
            "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Hi",
            ANY,
            [
                (M, "<|channel|>analysis<|message|>"),
                (T, "Hm"),
                (M, "<|end|><|start|>assistant<|channel|>final<|message|>"),
                (A, "Hi"),
            ],
        ),
        ("<|channel|>final<|message|>Hi", ANY, [(M, "<|channel|>final<|message|>"), (A, "Hi")]),
        (
            "<|channel>thought\nHm<channel|>Hi",
            ANY,
            [(M, "<|channel>thought"), (T, "\nHm"), (M, "<channel|>"), (A, "Hi")],
        ),
    ],
)
def test_a_text_is_split_into_thinking_and_answer(
    text: str, thinking: Thinking, expected: list[tuple[Kind, str]]
) -> None:
    assert parts(text, thinking) == expected


def test_without_the_prompt_a_lone_closing_mark_ends_the_thinking() -> None:
    unknown = Thinking()
    assert parts("Hm.</think>Yes", unknown) == [(T, "Hm."), (M, "</think>"), (A, "Yes")]
    whole = "<think>a</think>b </think> c"
    assert parts(whole, unknown)[-1] == (A, "b </think> c")
    assert parts("a <|end|> b", unknown) == [(A, "a <|end|> b")]
    assert answer_text("Hm.</think>\n\nYes") == "Yes"


@given(
    st.lists(
        st.sampled_from(
            ["<think>", "</think>", "<th", "ink>", "</", "think", " ", "\n", "a", "<", "[THINK]"]
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_pieces_are_split_as_the_whole(pieces: list[str], begun: bool) -> None:
    thinking = Thinking(KNOWN_FORMS, THINK if begun else None, prompt_known=True)
    splitter = ThinkingSplitter(thinking)
    found = [part for piece in pieces for part in splitter.push(piece)]
    found += splitter.finish()
    joined: list[tuple[Kind, str]] = []
    for kind, part in found:
        if joined and joined[-1][0] is kind:
            joined[-1] = kind, joined[-1][1] + part
        else:
            joined.append((kind, part))
    assert joined == parts("".join(pieces), thinking)
