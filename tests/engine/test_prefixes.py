"""Forks, scored texts, single roles and what-if questions, as the engine answers them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason, GenerationConfig, WhatIfToken
from app.engine.commands import AskWhatIf
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import RunFinished, TokenDecoded, WhatIfAnswered
from app.errors import PromptError, RecipeError
from tests import tiny
from tests.engine.test_engine import PROMPT, SAMPLED, Desk, assert_failed, tokens


@pytest.fixture
def loaded(tiny_recipe: Recipe) -> Desk:
    desk = Desk()
    desk.load(tiny_recipe)
    return desk


def steps(events: list[object]) -> list[TokenDecoded]:
    return [event for event in events if isinstance(event, TokenDecoded)]


def test_scoring_what_was_generated_gives_the_recorded_probabilities(loaded: Desk) -> None:
    drawn = steps(loaded.generate(SAMPLED))
    given = tuple(event.step.token_id for event in drawn)
    events = loaded.generate(replace(SAMPLED, max_new_tokens=1), forced=given)
    for one, other in zip(steps(events), drawn, strict=True):
        assert one.step.forced
        assert not other.step.forced
        assert one.step.text == other.step.text
        assert one.attribution.p_tuned == pytest.approx(other.attribution.p_tuned, abs=1e-5)
        assert one.attribution.contributions == pytest.approx(
            other.attribution.contributions, abs=1e-5
        )
    end = events[-1]
    assert isinstance(end, RunFinished)
    assert end.finish_reason is FinishReason.LENGTH


def test_a_text_is_scored_as_it_was_typed(loaded: Desk) -> None:
    text = " and the queen, 한 “quoted” 🙂"
    scored = steps(loaded.generate(replace(SAMPLED, max_new_tokens=1), text=text))
    assert "".join(event.step.text for event in scored) == text
    assert scored[-1].step.end == len(text)


def test_a_fork_goes_on_from_what_was_chosen(loaded: Desk) -> None:
    first = tokens(loaded.generate(SAMPLED))
    other = (first[4] + 1) % 200
    fork = steps(loaded.generate(SAMPLED, kept=tuple(first[:4]), forced=(other,)))
    assert [event.step.index for event in fork] == list(range(4, SAMPLED.max_new_tokens))
    assert fork[0].step.token_id == other
    fresh = loaded.generate(SAMPLED, forced=(*first[:4], other))
    assert tokens(fresh)[4:] == [event.step.token_id for event in fork]


def test_keeping_everything_goes_on_where_the_run_ended(loaded: Desk) -> None:
    whole = tokens(loaded.generate(SAMPLED))
    half = tokens(loaded.generate(replace(SAMPLED, max_new_tokens=5)))
    rest = tokens(loaded.generate(SAMPLED, kept=tuple(half)))
    assert half + rest == whole


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_role_alone_generates_as_that_model_would(
    loaded: Desk, llama: tiny.Family, place: int
) -> None:
    events = loaded.generate(SAMPLED, role=place, alphas=LiveAlphas(()))
    whole = llama.recipe()
    spec = whole.checkpoints()[place]
    pair = replace(whole.pairs[0], expert=spec, antiexpert=spec)  # changes nothing
    desk = Desk()
    desk.load(replace(whole, base=spec, pairs=(pair,)))
    assert tokens(events) == tokens(desk.generate(SAMPLED))
    assert all(event.attribution.contributions == () for event in steps(events))
    assert all(event.attribution.shift == 0 for event in steps(events))


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        GenerationConfig(max_new_tokens=20, temperature=0.0),
        GenerationConfig(max_new_tokens=20, temperature=1.0, top_p=0.9, seed=8),
        GenerationConfig(
            max_new_tokens=20, temperature=0.8, top_k=20, repetition_penalty=1.3, seed=2
        ),
    ],
)
def test_what_if_finds_where_a_run_with_those_weights_goes_another_way(
    loaded: Desk, config: GenerationConfig
) -> None:
    first = steps(loaded.generate(config))
    ids = [event.step.token_id for event in first]

    def ask(alpha: float) -> tuple[WhatIfToken, ...]:
        (answer,) = loaded.handle(
            AskWhatIf(
                7,
                PROMPT,
                config,
                (alpha,),
                tuple(ids),
                tuple(event.step for event in first),
                Cancellation(),
            )
        )
        assert isinstance(answer, WhatIfAnswered)
        return answer.choices

    assert ask(1.0) == ()
    found_any = False
    for alpha in (0.0, 2.0, -1.0):
        other = tokens(loaded.generate(config, alphas=LiveAlphas((alpha,))))
        differ = [i for i, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b]
        choices = ask(alpha)
        if differ:
            found_any = True
            assert choices[0] == WhatIfToken(differ[0], other[differ[0]])
        elif len(other) == len(ids):
            assert choices == ()
    assert found_any


def test_what_if_leaves_out_what_was_given(loaded: Desk) -> None:
    given = steps(loaded.generate(replace(SAMPLED, max_new_tokens=1), forced=(5, 6, 7)))
    ids = tuple(event.step.token_id for event in given)
    kept = tuple(event.step for event in given)
    (answer,) = loaded.handle(AskWhatIf(7, PROMPT, SAMPLED, (-2.0,), ids, kept, Cancellation()))
    assert isinstance(answer, WhatIfAnswered)
    assert answer.choices == ()


def test_a_given_text_that_fills_the_context_is_refused(loaded: Desk) -> None:
    error = assert_failed(loaded.generate(SAMPLED, forced=(5,) * 5000), PromptError)
    assert "longer than the context" in str(error)


def test_a_question_needs_a_recipe() -> None:
    assert_failed(
        Desk().handle(AskWhatIf(7, PROMPT, SAMPLED, (), (), (), Cancellation())), RecipeError
    )
