"""Evaluations whose base is tuned on a server, beside the same models here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.errors import Cancelled, EndpointError, EvaluationError, PromptError
from app.evaluation.batch_generation import GeneratedAnswer, GenerationStart
from app.evaluation.evaluator import Evaluator
from app.evaluation.identity import fingerprints, model_identity
from app.evaluation.loading import ModelLoader
from app.evaluation.plan import Plan, prepare
from app.evaluation.requests import GenerateRequest, Prompt
from app.evaluation.served_evaluator import ServedEvaluator
from app.evaluation.variants import Variant, default_roles, variants_of
from tests import tiny
from tests.engine.tuned_server import TunedServer
from tests.evaluation.test_variants import single_model

pytestmark = [pytest.mark.server, pytest.mark.slow]
PROMPTS = ["the king said", "How many? 12 + 30 =", "thou art", "x y z", "the sea was"]
GREEDY = GenerationConfig(max_new_tokens=6, temperature=0.0)


@pytest.fixture
def server(llama: tiny.Family) -> Iterator[TunedServer]:
    made = TunedServer(llama)
    yield made
    made.close()


def requests(config: GenerationConfig = GREEDY) -> list[GenerateRequest]:
    return [GenerateRequest(Prompt(prompt), config) for prompt in PROMPTS]


@pytest.mark.parametrize("role", ["base", "tuned"])
def test_answers_and_probabilities_are_those_of_the_models(
    llama: tiny.Family, server: TunedServer, role: str
) -> None:
    models = ModelLoader()
    (here,) = variants_of(llama.recipe(), [role], (0.5,), single_model)
    (there,) = variants_of(server.recipe, [role], (0.5,), single_model)
    whole = dict(Evaluator(models.load(here.recipe)).generate(requests(), here))
    stop = whole[0].text[4:6]
    config = replace(GREEDY, stop=(stop,))
    wanted = dict(Evaluator(models.load(here.recipe)).generate(requests(config), here))
    asked = models.evaluator(there.recipe, 3, lambda: False)
    found = dict(asked.generate(requests(config), there))
    assert found.keys() == wanted.keys()
    for place, answer in wanted.items():
        assert (found[place].text, found[place].tokens) == (answer.text, answer.tokens)
        assert bool(found[place].shifted) == (role == "tuned")
        for one, other in zip(found[place].shifted, answer.shifted, strict=True):
            assert one[0] == other[0]
            assert one[1:] == pytest.approx(other[1:], abs=1e-5)
    told = [body["vllm_xargs"]["contributions"] for body in server.asked if "stream" in body]
    assert told == [role == "tuned"] * len(PROMPTS)


def test_a_long_prompt_loses_its_beginning(server: TunedServer) -> None:
    (tuned,) = variants_of(server.recipe, ["tuned"], (1.0,), single_model)
    asked = ModelLoader().evaluator(tuned.recipe, None, lambda: False)
    long = GenerateRequest(Prompt("the king said " * 40), GREEDY)
    ((_, answer),) = asked.generate([long], tuned)
    assert answer.truncated
    assert len(server.asked[-1]["prompt"]) == 64 - 6


def test_it_can_be_cancelled_and_says_what_the_server_says(server: TunedServer) -> None:
    (tuned,) = variants_of(server.recipe, ["tuned"], (1.0,), single_model)
    with pytest.raises(Cancelled):
        list(ModelLoader().evaluator(tuned.recipe, 2, lambda: True).generate(requests(), tuned))
    asked = ModelLoader().evaluator(tuned.recipe, 2, lambda: False)
    server.status = 503
    with pytest.raises(EndpointError, match="has a problem"):
        list(asked.generate(requests(), tuned))


@pytest.mark.parametrize(
    ("tasks", "roles", "policies", "sentence"),
    [
        ("generates", "expert", (), "The expert alone cannot be had from a server"),
        ("scores", "tuned", (), "scores given texts, which a server that tunes cannot"),
        ("generates", "tuned", ("kl:0.5",), "A policy of α cannot be had from a server"),
    ],
)
def test_what_a_server_cannot_do_is_refused_before_it_is_asked(
    server: TunedServer,
    tmp_path: Path,
    tasks: str,
    roles: str,
    policies: tuple[str, ...],
    sentence: str,
) -> None:
    (tmp_path / "data.jsonl").write_text(
        '{"prompt": "a", "answer": "b", "choices": ["b", "c"], "gold": 0}'
    )
    path = tmp_path / "task.toml"
    metric = "choice" if tasks == "scores" else "match"
    path.write_text(f'format = 1\nmetric = "{metric}"\ndata = "data.jsonl"\n')
    with pytest.raises(EvaluationError, match=sentence):
        prepare(Plan((str(path),), (roles,), policies=policies), server.recipe, single_model)
    assert not server.asked


def test_stored_answers_belong_to_one_server(llama: tiny.Family, server: TunedServer) -> None:
    def identity(recipe: Recipe) -> object:
        (base,) = variants_of(recipe, ["base"], (1.0,), single_model)
        return model_identity(base, fingerprints(recipe))

    recipe = server.recipe
    assert default_roles(recipe) == ("base", "tuned")
    other = replace(recipe, base=replace(recipe.base, source="endpoint:http://127.0.0.1:1/v1"))
    assert identity(recipe) != identity(other)
    assert "tuned" not in str(identity(llama.recipe()))  # keys of stored answers stay as they were


class Answering(ServedEvaluator):
    """Answers one request after the other, and can fail at one of them."""

    def __init__(self, failing: int | None = None, cancelled_at: int | None = None) -> None:
        self.encoded: list[str] = []
        self._begun = Event()
        self._failing, self._cancelled_at = failing, cancelled_at
        super().__init__(None, 1, self._is_cancelled)  # type: ignore[arg-type]

    def _is_cancelled(self) -> bool:
        return self._cancelled_at is not None and self._begun.wait(60)

    def _start(self, request: GenerateRequest) -> GenerationStart:
        self.encoded.append(request.prompt.plain)
        if request.prompt.plain == "":
            raise PromptError("The prompt is empty")
        return GenerationStart(([len(self.encoded) - 1],), request.config)

    def _answer(
        self, start: GenerationStart, variant: Variant, ended: Callable[[], bool]
    ) -> GeneratedAnswer:
        ((place,),) = start.prompts
        if place == self._cancelled_at:
            self._begun.set()
        if place == self._failing:
            raise EndpointError("The server has a problem")
        return GeneratedAnswer(str(place), 1)


def answers(
    evaluator: Answering, prompts: Sequence[str], error: type[Exception] | None = None
) -> list[str]:
    """The answers that come, until the error."""
    found = []
    asked = [GenerateRequest(Prompt(prompt), GREEDY) for prompt in prompts]
    with nullcontext() if error is None else pytest.raises(error):
        for _, answer in evaluator.generate(asked, None):  # type: ignore[arg-type]
            found.append(answer.text)
    return sorted(found, key=int)


def test_answers_that_are_finished_are_kept_when_one_fails() -> None:
    prompts = [str(place) for place in range(30)]
    assert answers(Answering(), prompts) == prompts
    kept = answers(Answering(failing=20), prompts, EndpointError)
    assert kept[:20] == prompts[:20]
    assert "20" not in kept
    assert answers(Answering(cancelled_at=1), prompts, Cancelled)[:1] == ["0"]
    assert answers(Answering(), ["a", "b", ""], PromptError)[:1] == ["0"]


def test_prompts_are_encoded_when_their_turn_comes() -> None:
    evaluator = Answering()
    asked = [GenerateRequest(Prompt(str(place)), GREEDY) for place in range(30)]
    found = evaluator.generate(asked, None)  # type: ignore[arg-type]
    next(found)
    assert len(evaluator.encoded) <= 3
    assert len(list(found)) == 29
    assert evaluator.encoded == [str(place) for place in range(30)]
