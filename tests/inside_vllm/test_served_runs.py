"""The engine of the window with a real vLLM server that tunes, against plain forward passes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.attribution.attribution import attribute
from app.attribution.step_attribution import candidates_of
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason, GenerationConfig, RoleLogits
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, Failed, Loaded, RunFinished, TokenDecoded
from app.evaluation.loading import ModelLoader
from app.evaluation.requests import GenerateRequest, Prompt
from app.evaluation.variants import variants_of
from tests import tiny
from tests.inside_vllm.running_server import Asked, Models, Server, running

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
]
PROMPT = "the king said"
GREEDY = GenerationConfig(max_new_tokens=12, temperature=0.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(Models(tmp_path_factory.mktemp("served"), "llama")) as found:
        yield found


class Desk:
    """An engine and its events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.engine = Engine(self._hear)
        self.alphas = LiveAlphas((1.0, 0.5))
        self.change_at = -1

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, TokenDecoded) and event.step.index == self.change_at:
            self.alphas.set((-0.5, 1.5))

    def load(self, recipe: Recipe) -> Event:
        self.engine.handle(Load(1, recipe, Cancellation()))
        return self.events[-1]

    def generate(self, config: GenerationConfig = GREEDY, **more: object) -> list[TokenDecoded]:
        self.events.clear()
        command = Generate(2, PROMPT, config, self.alphas, Cancellation(), **more)  # type: ignore[arg-type]
        self.engine.handle(command)
        return [event for event in self.events if isinstance(event, TokenDecoded)]


def on_server(server: Server, port: int | None = None) -> Recipe:
    recipe = server.models.recipe()
    source = f"endpoint:http://127.0.0.1:{port or server.port}/v1"
    return replace(recipe, base=replace(recipe.base, source=source, tuned=True))


def test_a_run_has_the_tokens_and_numbers_of_the_models(server: Server) -> None:
    desk = Desk()
    loaded = desk.load(on_server(server))
    assert isinstance(loaded, Loaded), loaded
    prompt = loaded.coder.encode(PROMPT) if loaded.coder else []
    found = desk.generate()
    ids = [event.step.token_id for event in found]
    assert ids == server.models.greedy(Asked(tuple(prompt), (1.0, 0.5), 12))
    assert loaded.coder is not None
    assert "".join(event.step.text for event in found) == loaded.coder.decode(ids)
    assert isinstance(desk.events[-1], RunFinished)
    assert desk.events[-1].finish_reason is FinishReason.LENGTH
    for place, event in enumerate(found):
        base, *pairs = (row.numpy() for row in server.models.rows([*prompt, *ids[:place]]))
        logits = RoleLogits(base, tuple(pairs[::2]), tuple(pairs[1::2]))
        expected = attribute(logits, (1.0, 0.5), ids[place])
        assert event.attribution.rank_base == expected.rank_base
        for name in ("p_base", "p_tuned", "contributions", "logprob_contributions", "kl"):
            wanted = pytest.approx(getattr(expected, name), abs=1e-4)
            assert getattr(event.attribution, name) == wanted
        rows = candidates_of(event.step)
        assert rows.base == pytest.approx(base[rows.token_ids], abs=1e-4)
        assert event.step.sampled_probability == pytest.approx(1.0)


def test_a_change_of_alpha_goes_on_from_where_the_text_is(server: Server) -> None:
    desk = Desk()
    loaded = desk.load(on_server(server))
    assert isinstance(loaded, Loaded)
    assert loaded.coder is not None
    prompt = loaded.coder.encode(PROMPT)
    desk.change_at = 4
    found = desk.generate()
    changed = next(n for n, event in enumerate(found) if event.step.alphas == (-0.5, 1.5))
    assert changed == 5
    before = [event.step.token_id for event in found[:changed]]
    rest = Asked((*prompt, *before), (-0.5, 1.5), 12 - changed)
    assert [event.step.token_id for event in found[changed:]] == server.models.greedy(rest)
    kept = tuple(before)
    desk.change_at = -1
    assert [event.step.token_id for event in desk.generate(kept=kept)] == [
        event.step.token_id for event in found[changed:]
    ]


def test_sampled_runs_have_the_probability_that_they_were_sampled_with(server: Server) -> None:
    desk = Desk()
    desk.load(on_server(server))
    sampled = GenerationConfig(max_new_tokens=4, temperature=1.0, top_p=1.0, seed=3)
    for event in desk.generate(sampled):
        assert event.step.sampled_probability == pytest.approx(event.attribution.p_tuned, rel=1e-3)


def test_what_cannot_be_had_and_other_recipes_are_refused(server: Server) -> None:
    desk = Desk()
    recipe = on_server(server)
    renamed = replace(recipe, pairs=(replace(recipe.pairs[0], name="Other"), recipe.pairs[1]))
    fewer = replace(recipe, pairs=recipe.pairs[:1])
    for wrong in (renamed, fewer):
        failed = desk.load(wrong)
        assert isinstance(failed, Failed)
        assert "tunes with other pairs than the recipe" in str(failed.error)
    desk.load(recipe)
    assert not desk.generate(role=1)
    failed = desk.events[-1]
    assert isinstance(failed, Failed)
    assert "cannot be had with a base that is tuned on a server" in str(failed.error)


def test_an_evaluation_asks_many_things_at_once(server: Server) -> None:
    recipe = on_server(server)
    base, tuned = variants_of(recipe, ["base", "tuned"], (1.0,), lambda model: recipe)
    evaluator = ModelLoader().evaluator(recipe, None, lambda: False)
    settings = [replace(GREEDY, max_new_tokens=4 + place % 9) for place in range(24)]
    texts = [f"{PROMPT} {'thou art ' * (place % 5)}" for place in range(24)]
    asked = [GenerateRequest(Prompt(t), c) for t, c in zip(texts, settings, strict=True)]
    tokenizer = tiny.make_tokenizer()
    for variant, alphas in ((base, (0.0, 0.0)), (tuned, (1.0, 0.5))):
        found = dict(evaluator.generate(asked, variant))
        for place, (text, config) in enumerate(zip(texts, settings, strict=True)):
            prompt = tuple(tokenizer.encode(text).ids)
            ids = server.models.greedy(Asked(prompt, alphas, config.max_new_tokens))
            assert found[place].text == tokenizer.decode(ids)
            for at, (_, p_base, p_tuned) in enumerate(found[place].shifted):
                row = server.models.rows([*prompt, *ids[:at]])[0]
                own = server.models.row([*prompt, *ids[:at]], alphas)
                assert p_base == pytest.approx(float(row.softmax(0)[ids[at]]), abs=1e-4)
                assert p_tuned == pytest.approx(float(own.softmax(0)[ids[at]]), abs=1e-4)
        assert bool(found[0].shifted) == (variant is tuned)
