"""Tests of how numbers are written: only 0 reads as 0."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wording import decimals, probability, signed

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "digits", "written", "with_sign"),
    [
        (0.0, 2, "0.00", "+0.00"),
        (-0.0, 2, "0.00", "+0.00"),
        (1.005e-2, 2, "0.01", "+0.01"),
        (0.0099, 2, "<0.01", "<+0.01"),
        (-0.0099, 2, ">−0.01", ">−0.01"),
        (-1.5, 3, "−1.500", "−1.500"),
        (math.inf, 2, "∞", "+∞"),
        (-math.inf, 2, "−∞", "−∞"),
    ],
)
def test_numbers_with_fixed_decimals(
    value: float, digits: int, written: str, with_sign: str
) -> None:
    assert decimals(value, digits) == written
    assert decimals(value, digits, sign=True) == with_sign


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0.000"), (5e-4, "<0.001"), (0.0031, "0.003"), (0.0996, "0.10"), (1.0, "1.00")],
)
def test_probabilities_have_about_three_digits(value: float, written: str) -> None:
    assert probability(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0"), (3e-4, "<+0.001"), (-3e-4, ">−0.001"), (0.03, "+0.030"), (-0.3, "−0.30")],
)
def test_differences_have_a_sign(value: float, written: str) -> None:
    assert signed(value) == written


@given(st.floats(-1.0, 1.0).filter(lambda value: value != 0), st.integers(1, 4))
def test_what_is_not_zero_does_not_read_as_zero(value: float, digits: int) -> None:
    """What is written is a bound, or the value to half of the last decimal."""
    text = decimals(value, digits, sign=True)
    bare = float(text.lstrip("<>").replace("−", "-"))
    assert bare != 0
    assert math.copysign(1, bare) == math.copysign(1, value)
    if text[0] in "<>":
        assert 0 < value / bare < 1
    else:
        assert abs(value - bare) <= 0.5 * 10**-digits * (1 + 1e-9)
