"""Settings and memory that follow from the size of data and model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.memory.footprint import Footprint
from app.errors import SettingsError
from app.training.training_memory import estimate_memory
from app.training.training_settings import TrainingSettings, settings_for

TINY, SMALL, LARGE = 2_000_000, 135_000_000, 7_000_000_000


@given(
    examples=st.integers(15, 100_000),
    longest=st.integers(2, 5_000),
    parameters=st.sampled_from([TINY, SMALL, LARGE]),
    on_cpu=st.booleans(),
)
def test_settings_suit_any_data(examples: int, longest: int, parameters: int, on_cpu: bool) -> None:
    found = settings_for(examples, longest, parameters, context=1_024, on_cpu=on_cpu)
    assert 1 <= found.epochs <= 8
    assert found.batch_size % found.batch_rows == 0
    assert found.most_tokens <= (512 if on_cpu else 1_024)
    assert found.steps_between * 5 <= max(found.steps(examples), 20) + 50
    assert found.steps(examples) <= max(130, examples / 8 + 1)


def test_few_examples_are_read_more_often_and_small_models_learn_faster() -> None:
    def of(examples: int, parameters: int) -> TrainingSettings:
        return settings_for(examples, 100, parameters, context=None, on_cpu=True)

    assert of(50, TINY).epochs > of(500, TINY).epochs >= of(5_000, TINY).epochs == 1
    assert of(50, TINY).batch_size < of(500, TINY).batch_size
    rates = [of(200, size).learning_rate for size in (TINY, SMALL, LARGE)]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize(
    "wrong", [{"rank": 0}, {"epochs": float("nan")}, {"dropout": 1.0}, {"most_tokens": 2}]
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
