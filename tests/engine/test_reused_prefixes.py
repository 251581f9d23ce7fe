"""What was read is reused by the next text of the engine, and given back where it is needed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import pytest
import torch

from app.checkpoints.conversation import Conversation, Message
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.spec import Recipe
from app.decoding import prefix_cache
from app.decoding.prefix_cache import PrefixCache
from app.decoding.types import GenerationConfig
from app.engine import engine as engine_module
from app.engine.commands import BorrowModels, Check
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Checked, Event, RunFinished, RunStarted, TokenDecoded
from tests.engine.test_borrow_models import GeneratorJob
from tests.engine.test_engine import PROMPT, SAMPLED, Desk, tokens

FIRST = "the king said to the daughter that the night was long"
OTHER = "How many? 12 + 30 = 42. The answer is 42."


@pytest.fixture(autouse=True)
def short_texts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_cache, "SHORTEST", 8)


@pytest.fixture
def loaded(tiny_recipe: Recipe) -> Desk:
    desk = Desk()
    desk.load(tiny_recipe)
    return desk


def cached(events: list[Event]) -> int:
    assert isinstance(events[-1], RunFinished)
    return events[-1].stats.cached_tokens


def prompt_length(events: list[Event]) -> int:
    return next(event.prompt_tokens[0] for event in events if isinstance(event, RunStarted))


def kept(desk: Desk) -> PrefixCache:
    models = desk.engine._loaded
    assert models is not None
    return models.ensemble.prefixes


def run(desk: Desk, prompt: str, **options: object) -> list[Event]:
    return desk.generate(SAMPLED, prompt, **options)


def test_a_prompt_is_read_once_for_several_answers(loaded: Desk) -> None:
    first = run(loaded, FIRST)
    again = run(loaded, FIRST)
    assert (cached(first), cached(again)) == (0, prompt_length(first) - 1)
    assert tokens(again) == tokens(first)


@pytest.mark.slow
def test_two_conversations_in_turn_are_each_continued(loaded: Desk, tiny_recipe: Recipe) -> None:
    """With the tokens of an engine that has read nothing before."""
    texts = [FIRST, OTHER]
    reused = []
    for turn in range(3):
        for place in range(2):
            before = len(texts[place])
            events = run(loaded, texts[place])
            fresh = Desk()
            fresh.load(tiny_recipe)
            assert tokens(events) == tokens(run(fresh, texts[place]))
            assert (cached(events) > 0) == (turn > 0)
            reused.append(cached(events) / prompt_length(events))
            answer = "".join(e.step.text for e in events if isinstance(e, TokenDecoded))
            texts[place] += answer + " and the queen"
            assert len(texts[place]) > before
    assert max(reused[2:]) > 0.5


def test_a_run_that_is_repeated_reads_its_prompt_anew(loaded: Desk) -> None:
    def rows(events: list[Event]) -> list[bytes]:
        steps = [event.step for event in events if isinstance(event, TokenDecoded)]
        return [step.logits.base.tobytes() for step in steps]

    first = run(loaded, FIRST, fresh=True, speculate=False)
    run(loaded, OTHER)
    again = run(loaded, FIRST, fresh=True, speculate=False)
    assert cached(again) == 0
    assert rows(again) == rows(first)


def test_a_role_alone_continues_what_all_roles_have_read(loaded: Desk) -> None:
    whole = run(loaded, FIRST)
    alone = run(loaded, FIRST, role=0, alphas=LiveAlphas(()))
    assert cached(alone) == prompt_length(whole) - 1


def test_an_echoed_prompt_and_a_branch_are_scored_as_before(loaded: Desk) -> None:
    def scores(events: list[Event]) -> list[float]:
        return [e.attribution.p_tuned for e in events if isinstance(e, TokenDecoded)]

    config = replace(SAMPLED, max_new_tokens=1)
    first = scores(loaded.generate(config, FIRST, echo=True, fresh=True))
    run(loaded, OTHER)
    assert scores(loaded.generate(config, FIRST, echo=True)) == pytest.approx(first, abs=1e-5)


def test_what_is_kept_is_bounded_and_given_back(
    loaded: Desk, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep_some() -> int:
        run(loaded, FIRST)
        run(loaded, OTHER)
        return kept(loaded).size

    assert keep_some() > 0
    monkeypatch.setattr(engine_module, "free_bytes", lambda device: 0)
    held = kept(loaded).size
    run(loaded, PROMPT)
    assert kept(loaded).size <= held // 2
    monkeypatch.undo()
    monkeypatch.setattr(prefix_cache, "SHORTEST", 8)

    def work(models: LoadedRecipe) -> Generator[object, None, None]:
        yield models.ensemble.prefixes.size

    assert keep_some() > 0
    loaded.handle(BorrowModels(3, GeneratorJob(work), Cancellation()))
    assert kept(loaded).size == 0

    assert keep_some() > 0
    monkeypatch.setattr(engine_module, "decode", _out_of_memory)
    loaded.generate(SAMPLED)
    monkeypatch.undo()
    assert kept(loaded).size == 0

    monkeypatch.setattr(prefix_cache, "SHORTEST", 8)
    assert keep_some() > 0
    loaded.load(tiny_recipe)
    assert kept(loaded).size == 0


def _out_of_memory(*arguments: object, **options: object) -> None:
    raise torch.OutOfMemoryError


def test_a_check_counts_what_is_kept_as_free(loaded: Desk, tiny_recipe: Recipe) -> None:
    def free() -> int:
        (checked,) = loaded.handle(Check(4, tiny_recipe, "", Cancellation()))
        assert isinstance(checked, Checked)
        return checked.preflight.memory.devices[-1].free

    seen: list[dict[str, int]] = []

    def noted(opened: object, prompt: object, held: dict[str, int], *more: object) -> object:
        seen.append(dict(held))
        return original(opened, prompt, held, *more)  # type: ignore[arg-type]

    original = engine_module.preflight
    free()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "preflight", noted)
        run(loaded, FIRST)
        free()
        run(loaded, OTHER)
        free()
    assert seen[1]["cpu"] - seen[0]["cpu"] == kept(loaded).size > 0


def test_nothing_is_kept_without_a_bound(tiny_recipe: Recipe) -> None:
    desk = Desk()
    desk.engine = Engine(desk._receive, lambda: 0)
    desk.load(tiny_recipe)
    run(desk, FIRST)
    assert cached(run(desk, FIRST)) > 0
    run(desk, OTHER)
    assert cached(run(desk, FIRST)) == 0


def test_a_cancelled_prompt_is_continued_where_it_ended(loaded: Desk) -> None:
    cancellation = Cancellation()

    def stop(event: Event) -> None:
        if isinstance(event, TokenDecoded) and event.step.index == 3:
            cancellation.request()

    loaded.on_event = stop
    stopped = run(loaded, FIRST, cancellation=cancellation)
    loaded.on_event = lambda event: None
    begun = tokens(stopped)
    config = GenerationConfig(max_new_tokens=12, temperature=1.0, top_p=0.9, seed=5)
    rest = loaded.generate(config, FIRST, kept=tuple(begun))
    assert cached(rest) == prompt_length(stopped)
    assert begun + tokens(rest) == tokens(run(loaded, FIRST))


@pytest.mark.slow
def test_turns_of_a_conversation_reuse_the_turns_before(loaded: Desk) -> None:
    """Here in the plain form of a conversation, since the checkpoints have no chat template."""
    turns = [Message("user", FIRST)]
    first = loaded.generate(SAMPLED, Conversation(tuple(turns)))  # type: ignore[arg-type]
    answer = "".join(e.step.text for e in first if isinstance(e, TokenDecoded))
    turns += [Message("assistant", answer), Message("user", OTHER)]
    second = loaded.generate(SAMPLED, Conversation(tuple(turns)))  # type: ignore[arg-type]
    assert cached(second) >= prompt_length(first)
