"""Conversations in the engine, compared with plain forward passes on the tokenizer's own ids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.checkpoints.conversation import Conversation, Message
from app.checkpoints.plain_conversation import conversation_text
from app.checkpoints.spec import Recipe
from app.decoding.thinking import Kind, ThinkingForm, split_thinking
from app.decoding.types import FinishReason, GenerationConfig
from app.engine.controls import LiveAlphas
from app.engine.events import RunFinished, RunStarted, TokenDecoded
from tests import tiny
from tests.engine.test_engine import Desk

THINKING_TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}]{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]<think>\n{% endif %}{# ends at </think> #}"
)
GREEDY = GenerationConfig(max_new_tokens=6, temperature=0.0)


@pytest.fixture
def recipe(llama: tiny.Family, tmp_path: Path) -> Recipe:
    """A base that reads the plain form, and a pair with a chat template."""
    plain = llama.recipe()
    (pair,) = plain.pairs
    expert = tiny.with_chat_template(llama.expert, tmp_path / "expert")
    antiexpert = tiny.with_chat_template(llama.antiexpert, tmp_path / "antiexpert")
    return replace(plain, pairs=(replace(pair, expert=expert, antiexpert=antiexpert),))


def plain_answer(recipe: Recipe, asked: Conversation) -> tuple[list[int], str]:
    """The greedy answer by whole forward passes of the three models, without the code under test.

    The prompts are the tokenizer's own ids of the chat template, and of the plain form.
    """
    models, contexts = [], []
    for spec in recipe.checkpoints():
        folder = spec.source.removeprefix("folder:")
        models.append(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval())
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if spec.prompt == "chat":
            ids = tokenizer.apply_chat_template(asked.as_json(), add_generation_prompt=True)
            contexts.append(list(ids["input_ids"]))
        else:
            contexts.append(tokenizer(conversation_text(asked, spec))["input_ids"])
    said: list[int] = []
    for _ in range(GREEDY.max_new_tokens):
        with torch.inference_mode():
            base, expert, antiexpert = (
                model(torch.tensor([[*context, *said]])).logits[0, -1].double()
                for model, context in zip(models, contexts, strict=True)
            )
        token = int((base + recipe.alphas[0] * (expert - antiexpert)).argmax())
        if token == 0:  # the end of sequence
            break
        said.append(token)
    return said, str(tokenizer.decode(said))


@pytest.mark.slow
def test_three_turns_are_those_of_plain_forward_passes(recipe: Recipe) -> None:
    desk = Desk()
    desk.load(recipe)
    asked = Conversation((Message("system", "Be brief."),))
    for message in ("the king", "and the queen?", "How many apples?"):
        asked = asked.with_message("user", message)
        events = desk.generate(GREEDY, prompt=asked)
        steps = [event.step for event in events if isinstance(event, TokenDecoded)]
        ids, text = plain_answer(recipe, asked)
        assert [step.token_id for step in steps] == ids
        assert "".join(step.text for step in steps) == text
        asked = asked.with_message("assistant", text)


@pytest.mark.parametrize(
    ("past_turn", "text", "reason"),
    [
        (False, "ok", FinishReason.STOP),
        (True, "ok\n\nUser:\nthe king", FinishReason.LENGTH),
    ],
)
def test_an_answer_ends_where_the_next_turn_would_begin(
    recipe: Recipe, past_turn: bool, text: str, reason: FinishReason
) -> None:
    desk = Desk()
    desk.load(recipe)
    config, given = replace(GREEDY, max_new_tokens=1), "ok\n\nUser:\nthe king"

    def answer(role: int | None = None) -> tuple[str, FinishReason]:
        asked = Conversation((Message("user", "the king"),))
        alphas = LiveAlphas((1.0,) if role is None else ())
        events = desk.generate(config, asked, alphas, text=given, past_turn=past_turn, role=role)
        end = events[-1]
        assert isinstance(end, RunFinished)
        steps = [event.step for event in events if isinstance(event, TokenDecoded)]
        return "".join(step.text for step in steps), end.finish_reason

    assert answer() == (text, reason)
    # The expert alone has a chat template, and tokens that end its turn.
    alone, _ = answer(1)
    assert alone == given


def test_a_text_ends_at_no_turn(recipe: Recipe) -> None:
    desk = Desk()
    desk.load(recipe)
    given = "ok\n\nUser:\nthe king"
    events = desk.generate(replace(GREEDY, max_new_tokens=1), text=given)
    steps = [event.step for event in events if isinstance(event, TokenDecoded)]
    assert "".join(step.text for step in steps) == given


def test_a_run_knows_the_marks_of_its_thinking(
    recipe: Recipe, llama: tiny.Family, tmp_path: Path
) -> None:
    thinker = tiny.with_chat_template(llama.expert, tmp_path / "thinker", THINKING_TEMPLATE)
    desk = Desk()
    desk.load(recipe.with_role(1, thinker))
    asked = Conversation((Message("user", "the king"),))

    def started(role: int | None = None) -> RunStarted:
        alphas = LiveAlphas((1.0,) if role is None else ())
        events = desk.generate(replace(GREEDY, max_new_tokens=1), asked, alphas, role=role)
        (start,) = (event for event in events if isinstance(event, RunStarted))
        return start

    form = ThinkingForm("<think>", "</think>")
    assert started().thinking.forms == (form,)
    assert started().thinking.begun == started(role=1).thinking.begun == form
    assert started(role=0).thinking.begun is None  # the plain form begins no thinking
    (segment,) = split_thinking("Hm", started().thinking)
    assert segment.kind is Kind.THINKING
