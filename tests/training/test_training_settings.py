"""Settings and memory that follow from the size of data and model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.memory.footprint import Footprint
from app.errors import SettingsError
from app.training.plan.training_memory import estimate_memory
from app.training.plan.training_settings import TrainingSettings, most_tokens_for, settings_for

TINY, SMALL, LARGE = 2_000_000, 135_000_000, 7_000_000_000


@given(
    examples=st.integers(15, 100_000),
    longest=st.integers(2, 5_000),
    parameters=st.sampled_from([TINY, SMALL, LARGE]),
    on_cpu=st.booleans(),
)
def test_settings_suit_any_data(examples: int, longest: int, parameters: int, on_cpu: bool) -> None:
    most = most_tokens_for(longest, context=1_024, on_cpu=on_cpu)
    found = settings_for(examples, most, parameters, on_cpu=on_cpu)
    assert 1 <= found.epochs <= 8
    assert found.batch_size % found.batch_rows == 0
    assert found.most_tokens <= (512 if on_cpu else 1_024)
    assert found.steps_between * 5 <= max(found.steps(examples), 20) + 50
    assert found.steps(examples) <= max(130, examples / 8 + 1)


def test_few_examples_are_read_more_often_and_small_models_learn_faster() -> None:
    def of(examples: int, parameters: int) -> TrainingSettings:
        return settings_for(examples, 100, parameters, on_cpu=True)

    assert of(50, TINY).epochs > of(500, TINY).epochs >= of(5_000, TINY).epochs == 1
    assert of(50, TINY).batch_size < of(500, TINY).batch_size
    rates = [of(200, size).learning_rate for size in (TINY, SMALL, LARGE)]
    assert rates == sorted(rates, reverse=True)


@given(examples=st.integers(15, 5_000), batch=st.integers(1, 40), most=st.integers(8, 1_024))
def test_settings_follow_from_a_given_batch_size(examples: int, batch: int, most: int) -> None:
    found = settings_for(examples, most, SMALL, on_cpu=True, given={"batch_size": batch})
    assert found.batch_size == batch
    while found.batch_rows > 1:
        assert batch % found.batch_rows == 0
        assert found.with_fewer_rows().batch_rows <= found.batch_rows // 2
        found = found.with_fewer_rows()


def test_the_interval_follows_from_given_epochs() -> None:
    found = settings_for(1_000, 64, SMALL, on_cpu=True, given={"epochs": 4.0, "batch_size": 2})
    assert (found.steps(1_000), found.steps_between) == (2_000, 200)
    assert (
        settings_for(1_000, 64, SMALL, on_cpu=True, given={"steps_between": 3}).steps_between == 3
    )


def test_examples_are_no_longer_than_the_context() -> None:
    assert most_tokens_for(50, context=2_048, on_cpu=True) == 50
    assert most_tokens_for(50, context=2_048, on_cpu=True, given=1_500) == 1_500
    assert most_tokens_for(50, context=2_048, on_cpu=True, given=9_999) == 2_048


@pytest.mark.parametrize(
    "wrong",
    [
        {"rank": 0},
        {"epochs": float("nan")},
        {"dropout": 1.0},
        {"most_tokens": 2},
        {"batch_size": 2},
        {"batch_size": 0},
        {"seed": -1},
        {"seed": 2**32},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        TrainingSettings(**wrong)  # type: ignore[arg-type]


def test_memory_falls_with_fewer_rows_and_with_recomputation() -> None:
    footprint = Footprint(
        plain=28_000_000,
        linear=((576, 576), (1536, 576)) * 30,
        buffers=0,
        cache=0,
        layer_cache=0,
        hidden=576,
        intermediate=1536,
        attention=576,
        heads=9,
        rows=49_152,
        eager=False,
    )

    def of(**settings: int) -> int:
        return estimate_memory(
            footprint,
            30,
            TrainingSettings(**settings),  # type: ignore[arg-type]
            dtype="bfloat16",
            quantization="none",
            device="cuda:0",
            free=0,
        ).total

    assert of(batch_rows=1, recompute=True) < of(batch_rows=1) < of(batch_rows=8)
    assert of(rank=4) < of(rank=64)
