"""The engine over GGUF files that llama.cpp reads, beside transformers on the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.llama_cpp.library import is_installed
from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Load, Unload
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, Failed, Loaded, RunFinished, TokenDecoded
from app.evaluation.evaluator import Evaluator
from app.evaluation.requests import GenerateRequest, Prompt, ScoreRequest
from app.evaluation.variants import variants_of
from tests import tiny, tiny_gguf

pytestmark = [pytest.mark.process, pytest.mark.slow]

PROMPT = "the king said"
SAMPLED = GenerationConfig(max_new_tokens=16, temperature=1.0, top_p=0.9, seed=5)


@pytest.fixture(autouse=True)
def llama_cpp() -> None:
    if not is_installed():
        pytest.skip("llama.cpp is not installed")


class Desk:
    """An engine with a loaded recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self.events: list[Event] = []
        self.engine = Engine(self.events.append)
        self.engine.handle(Load(1, recipe, Cancellation(), proof=ProofMode.OFF))
        assert isinstance(self.events[-1], Loaded), self.events[-1]

    def tokens(self, config: GenerationConfig = SAMPLED, **options: Any) -> list[int]:
        """The tokens of a run."""
        self.events.clear()
        alphas = LiveAlphas(()) if "role" in options else LiveAlphas((0.7,))
        self.engine.handle(Generate(2, PROMPT, config, alphas, Cancellation(), **options))
        assert isinstance(self.events[-1], RunFinished), self.events[-1]
        return [event.step.token_id for event in self.events if isinstance(event, TokenDecoded)]


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Recipe, Recipe]]:
    """One recipe by llama.cpp and by transformers, of the same weights in float32."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("models")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        models = [tiny.make_model("llama", seed).float() for seed in (21, 22, 23)]
        tokenizer = tiny.make_tokenizer()
        by_llama, by_torch = [], []
        for number, model in enumerate(models):
            path = tiny_gguf.write(model, folder / f"{number}.gguf")
            by_llama.append(CheckpointSpec(f"gguf:{path}", kv_cache="f32"))
            by_torch.append(tiny.spec(tiny.save(model, folder / str(number), tokenizer)))
        yield recipe_of(*by_llama), recipe_of(*by_torch)


def recipe_of(base: CheckpointSpec, expert: CheckpointSpec, antiexpert: CheckpointSpec) -> Recipe:
    return Recipe("r", base, (ExpertPair("A", expert, antiexpert, 0.7),))


@pytest.fixture(scope="module")
def desks(recipes: tuple[Recipe, Recipe]) -> tuple[Desk, Desk]:
    if not is_installed():
        pytest.skip("llama.cpp is not installed")
    return Desk(recipes[0]), Desk(recipes[1])


@pytest.mark.parametrize("speculate", [False, True])
def test_the_same_seed_gives_the_text_of_transformers(
    desks: tuple[Desk, Desk], speculate: bool
) -> None:
    by_llama, by_torch = desks
    assert by_llama.tokens(speculate=speculate) == by_torch.tokens(speculate=False)


def test_each_role_alone(desks: tuple[Desk, Desk]) -> None:
    by_llama, by_torch = desks
    for role in range(3):
        assert by_llama.tokens(role=role) == by_torch.tokens(role=role)


def test_a_branch_and_a_fresh_reading(desks: tuple[Desk, Desk]) -> None:
    by_llama, by_torch = desks
    whole = by_llama.tokens()
    rest = replace(SAMPLED, max_new_tokens=16)
    assert by_llama.tokens(rest, kept=tuple(whole[:6])) == whole[6:]
    assert by_llama.tokens(fresh=True) == whole
    forced = by_llama.tokens(rest, kept=tuple(whole[:3]), forced=(7,))
    assert forced == by_torch.tokens(rest, kept=tuple(whole[:3]), forced=(7,))


def test_batches_of_an_evaluation(desks: tuple[Desk, Desk]) -> None:
    prompts = ["the king said", "x", "thou art the king , and the queen is in the garden with 3"]
    asked = [ScoreRequest(" to the daughter", Prompt(prompt)) for prompt in prompts]
    texts = [GenerateRequest(Prompt(prompt), SAMPLED) for prompt in prompts]
    found = []
    for desk in desks:
        loaded = desk.engine._loaded
        assert loaded is not None
        of = variants_of(loaded.recipe, ["base", "expert", "tuned"], [1.0], _no_other_model)
        with torch.inference_mode():
            evaluator = Evaluator(loaded, 4)
            scores = dict(evaluator.score(asked, of))
            answers = dict(evaluator.generate(texts, of[2]))
        found.append((scores, answers))
    (scores, answers), (expected, wanted) = found
    for place, of_text in expected.items():
        got = [score.logprob for score in scores[place]]
        assert got == pytest.approx([score.logprob for score in of_text], abs=5e-3)
    assert answers == wanted


def _no_other_model(model: str) -> Recipe:
    raise AssertionError(model)


def test_loading_again_reads_nothing_and_unloading_gives_it_back(
    recipes: tuple[Recipe, Recipe],
) -> None:
    recipe = recipes[0]
    desk = Desk(recipe)
    before = desk.engine._loaded
    assert before is not None
    held = list(before.weights.values())
    other = recipe.with_role(1, replace(recipe.pairs[0].expert, prompt="A {prompt}"))
    desk.engine.handle(Load(3, other, Cancellation(), proof=ProofMode.OFF))
    after = desk.engine._loaded
    assert after is not None
    assert list(after.weights.values()) == held
    del before, after, held
    desk.engine.handle(Unload(4, Cancellation()))
    desk.events.clear()
    desk.engine.handle(Generate(5, PROMPT, SAMPLED, LiveAlphas((1.0,)), Cancellation()))
    assert isinstance(desk.events[-1], Failed)


def test_a_cancelled_load_leaves_no_models(recipes: tuple[Recipe, Recipe]) -> None:
    cancellation = Cancellation()
    events: list[Event] = []

    def receive(event: Event) -> None:
        events.append(event)
        cancellation.request()

    engine = Engine(receive)
    engine.handle(Load(1, recipes[0], cancellation, proof=ProofMode.OFF))
    assert isinstance(events[-1], Failed)
    assert events[-1].error is None
    assert engine._loaded is None


def test_pairs_that_a_policy_skips_catch_up_in_blocks(desks: tuple[Desk, Desk]) -> None:
    for policy in ("confidence:0.069", "ramp:2:0:5"):
        config = replace(SAMPLED, alpha_policy=policy)
        by_llama, by_torch = (desk.tokens(config) for desk in desks)
        assert by_llama == by_torch
        last = desks[0].events[-1]
        assert isinstance(last, RunFinished)
        assert last.stats.skipped is not None
        assert last.stats.skipped.skipped > 0
