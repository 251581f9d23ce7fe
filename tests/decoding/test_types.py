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
