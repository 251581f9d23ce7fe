"""Settings outside their range are refused with a sentence."""

from __future__ import annotations

import pytest

from app.decoding.types import GenerationConfig, check_alphas
from app.errors import SettingsError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_new_tokens", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("top_p", float("nan")),
        ("min_p", -0.01),
        ("min_p", 2.0),
        ("repetition_penalty", 0.0),
        ("repetition_penalty", float("inf")),
        ("seed", -1),
        ("seed", 2**63),
    ],
)
def test_a_setting_outside_its_range_is_named(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=name.replace("_", "[ -]")) as caught:
        GenerationConfig(**{name: value})  # type: ignore[arg-type]
    assert str(value) in str(caught.value)


def test_an_empty_stop_string_is_refused() -> None:
    with pytest.raises(SettingsError, match="stop string"):
        GenerationConfig(stop=("a", ""))


def test_alphas_are_one_for_each_pair_and_finite() -> None:
    check_alphas((1.0, -2.0), 2)
    with pytest.raises(SettingsError, match="1 alphas, 2 pairs"):
        check_alphas((1.0,), 2)
    with pytest.raises(SettingsError, match="finite"):
        check_alphas((1.0, float("nan")), 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_new_tokens", 2.5),
        ("max_new_tokens", True),
        ("top_k", 3.0),
        ("seed", 10**400),
        ("temperature", 10**400),
        ("temperature", "0.5"),
        ("temperature", None),
        ("top_p", True),
        ("repetition_penalty", 1e-9),
    ],
)
def test_what_is_no_number_of_its_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=name.replace("_", "[ -]")):
        GenerationConfig(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "alpha", [float("nan"), float("inf"), -float("inf"), 1e38, 10**400, True, "1"]
)
def test_an_alpha_that_float32_cannot_use_is_refused(alpha: object) -> None:
    with pytest.raises(SettingsError, match="finite"):
        check_alphas((alpha,), 1)  # type: ignore[arg-type]


def test_every_end_of_a_range_is_allowed() -> None:
    GenerationConfig(1, 0.0, 0, 1e-9, 0.0, 0.01, -2.0, -2.0, seed=0)
    GenerationConfig(1_000_000, 100.0, 10_000_000, 1.0, 1.0, 100.0, 2.0, 2.0, seed=2**63 - 1)
    check_alphas((-1_000_000, 1_000_000), 2)
