"""Tests of the format of tint values."""

from __future__ import annotations

import math
import re

import pytest

from app.attribution.measures import Measure, Unit, measured
from app.ui.text.tint_words import factor, tint_explanation
from app.ui.words.unit_words import bits, number
from tests.attribution.test_series import invented, series_of


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


IN_LOGS = (Measure.SHIFT, Measure.CONTRIBUTION, Measure.SURPRISAL, Measure.BASE_SURPRISAL)


@pytest.mark.parametrize(
    ("measure", "unit"), [(measure, unit) for measure in IN_LOGS for unit in measure.units]
)
def test_the_explanation_has_the_formula_of_the_numbers(measure: Measure, unit: Unit) -> None:
    """The formula in the words, evaluated, is what colours the tokens."""
    tokens = invented(40, 2)
    series = series_of(tokens)
    words = tint_explanation(measure, unit)
    written = re.search(r"(?:−?(?:(?:log₂|ln) )?\bp\b(?:\(\w+\))?(?: − )?)+", words)
    assert written, words
    code = (
        written[0]
        .replace("−", "-")
        .replace("log₂", "log2")
        .replace("p(tuned)", "tuned")
        .replace("p(base)", "base")
    )
    code = re.sub(r"\bp\b", "tuned", code)
    code = re.sub(r"(log2|ln) (\w+)", lambda found: f"{found[1]}({found[2]})", code)
    functions = {"log2": math.log2, "ln": math.log}
    expected = [
        eval(code, {**functions, "tuned": one.p_tuned, "base": one.p_base}) for one in tokens
    ]
    found = measured(series, measure, 0, unit)
    if measure is Measure.CONTRIBUTION:  # the shares of all pairs add up to what is written
        found = sum(measured(series, measure, pair, unit) for pair in range(2))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_the_factor_of_one_unit_is_written() -> None:
    assert "factor of 2 " in tint_explanation(Measure.SHIFT, Unit.BITS)
    assert f"({math.e:.2f})" in tint_explanation(Measure.SHIFT, Unit.NATS)
    assert "factor" not in tint_explanation(Measure.SHIFT, Unit.PROBABILITY)
