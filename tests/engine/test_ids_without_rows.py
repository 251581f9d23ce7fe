"""Tokens that were added to a tokenizer alone: no model has a row for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from transformers import PreTrainedTokenizerFast

from app.checkpoints.conversation import Prompt, TokenIds
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.spec import Recipe
from app.engine.controls import LiveAlphas
from app.engine.events import RunFinished
from app.errors import PromptError
from app.evaluation.encoding import Encoder
from app.evaluation.loading import ModelLoader
from app.evaluation.requests import Prompt as TaskPrompt
from app.evaluation.requests import ScoreRequest
from tests import tiny
from tests.engine.test_engine import PROMPT, Desk, assert_failed

ADDED = "<|im_start|>"
SAID = f"cannot read (“{ADDED}” is id {tiny.VOCABULARY}, the model has {tiny.VOCABULARY})"
TEMPLATE = "{% for message in messages %}<|im_start|>{{ message.content }}{% endfor %}"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    root = tmp_path_factory.mktemp("extended")
    family = tiny.make_family(root, "llama")
    for folder in (family.base, family.expert, family.antiexpert):
        own = PreTrainedTokenizerFast.from_pretrained(folder)
        own.add_tokens([ADDED], special_tokens=True)
        own.chat_template = TEMPLATE
        own.save_pretrained(folder)
    return family.recipe()


@pytest.fixture(scope="module")
def desk(recipe: Recipe) -> Desk:
    desk = Desk()
    desk.load(recipe)
    return desk


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("prompt", [f"{ADDED}the king", TokenIds((5, tiny.VOCABULARY, 6))])
def test_a_prompt_with_such_a_token_is_refused(desk: Desk, prompt: Prompt, echo: bool) -> None:
    error = assert_failed(desk.generate(prompt=prompt, echo=echo), PromptError)  # type: ignore[arg-type]
    assert f"The prompt holds a token that the base {SAID}" in str(error)
    assert isinstance(desk.generate()[-1], RunFinished)


@pytest.mark.slow
def test_a_chat_template_with_such_a_token_is_refused(recipe: Recipe) -> None:
    desk = Desk()
    desk.load(replace(recipe, base=replace(recipe.base, prompt="chat")))
    assert SAID in str(assert_failed(desk.generate(), PromptError))


@pytest.mark.parametrize("role", [None, 1])
@pytest.mark.parametrize(
    "given",
    [{"text": f"the {ADDED}"}, {"forced": (3, tiny.VOCABULARY)}, {"kept": (tiny.VOCABULARY,)}],
)
def test_a_fork_or_a_scored_text_with_such_a_token_is_refused(
    desk: Desk, given: dict[str, object], role: int | None
) -> None:
    alphas = LiveAlphas((1.0,) if role is None else ())
    assert SAID in str(assert_failed(desk.generate(role=role, alphas=alphas, **given), PromptError))


@pytest.mark.slow
@pytest.mark.parametrize(
    "request_",
    [
        ScoreRequest("the king", TaskPrompt(f"{ADDED}thou")),
        ScoreRequest(f"the {ADDED}", TaskPrompt(PROMPT)),
        ScoreRequest(f"the {ADDED} king"),
    ],
)
def test_a_task_with_such_a_token_is_refused(recipe: Recipe, request_: ScoreRequest) -> None:
    loaded: LoadedRecipe = ModelLoader().load(recipe)
    with pytest.raises(PromptError, match="cannot read"):
        Encoder(loaded).continuations(request_)
