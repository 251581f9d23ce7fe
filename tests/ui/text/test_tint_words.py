"""Tests of the format of tint values."""

from __future__ import annotations

import math

import pytest

from app.attribution.measures import Measure, Unit
from app.ui.text.tint_words import factor, tint_explanation
from app.ui.words.token_counts import token_count
from app.ui.words.unit_words import bits, number
from tests.attribution.test_measure_formulas import FORMULAS


@pytest.mark.parametrize(
    ("shift", "written"),
    [
        (0.0, "×1"),
        (1.0, "×2"),
        (-1.0, "÷2"),
        (2.1, "×4.29"),
        (7.0, "×128"),
        (-18.128, "÷286,000"),
        (100.0, "×10³⁰"),
        (math.inf, "×∞"),
        (-math.inf, "÷∞"),
        (math.nan, "–"),
    ],
)
def test_a_shift_is_written_as_a_factor(shift: float, written: str) -> None:
    assert factor(shift) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (0.0031, "0.003"),
        (-0.001, "−0.001"),
        (0.0004, "<0.001"),
        (-1e-12, ">−0.001"),
        (0.00996, "0.010"),
        (0.01, "0.01"),
        (3.14159, "3.14"),
        (-42.55, "−42.5"),
        (250.4, "250"),
        (math.inf, "∞"),
        (math.nan, "–"),
    ],
)
def test_numbers_have_about_three_digits(value: float, written: str) -> None:
    assert number(value) == written


def test_signed_numbers_have_sign_and_unit() -> None:
    assert bits(2.5, sign=True) == "+2.50 bits"
    assert bits(-2.5, sign=True) == "−2.50 bits"
    assert bits(math.inf, sign=True) == "+∞ bits"
    assert bits(2e-5, sign=True) == "<+0.001 bits"
    assert bits(-2e-5, sign=True) == ">−0.001 bits"


def test_thousands_are_separated() -> None:
    assert [number(value) for value in (999.4, 999.6, 1234567.0, float("inf"))] == [
        "999",
        "1,000",
        "1,234,567",
        "∞",
    ]
    assert number(-12345.6, sign=True) == "−12,346"
    assert number(12345.6, sign=True) == "+12,346"


@pytest.mark.parametrize(("measure", "unit"), FORMULAS)
def test_the_explanation_has_the_formula_of_the_unit(measure: Measure, unit: Unit) -> None:
    """What the formulas say is computed in the tests of formulas."""
    words = tint_explanation(measure, unit)
    written, _ = FORMULAS[measure, unit]
    assert written in words
    rest = words.replace(written, "")
    for other in ("log", "ln ", "p(", "Σ"):
        assert other not in rest
    assert ("Shapley" in rest) == (measure is Measure.CONTRIBUTION)
    assert ("more probable tokens" in rest) == (unit is Unit.RANK)
    assert ("whole vocabulary" in rest) == ("Σ" in written)


def test_the_explanation_for_one_role_names_no_base() -> None:
    for measure in Measure:
        if not measure.needs_pairs:
            words = tint_explanation(measure, measure.units[0], alone=True)
            assert "p(" not in words
            assert "base" not in words


def test_the_factor_of_one_unit_is_written() -> None:
    assert "factor of 2 " in tint_explanation(Measure.SHIFT, Unit.BITS)
    assert f"({math.e:.2f})" in tint_explanation(Measure.SHIFT, Unit.NATS)
    assert "factor" not in tint_explanation(Measure.SHIFT, Unit.PROBABILITY)


def test_one_token_is_not_tokens() -> None:
    assert [token_count(count) for count in (0, 1, 2, 1234)] == [
        "0 tokens",
        "1 token",
        "2 tokens",
        "1,234 tokens",
    ]
