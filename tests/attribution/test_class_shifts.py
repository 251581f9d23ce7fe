"""Classes of tokens, and the sums of shifts over them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.attribution.class_shifts import ClassShifts, ShiftedToken, class_shifts
from app.attribution.token_classes import TokenClass, classes_of

D, Q, P, S, K, X = TokenClass


@pytest.mark.parametrize(
    ("texts", "code", "kinds"),
    [
        (["Weng", " has", " ", "48", "/", "2", " =", " 24"], False, [S, X, X, D, Q, D, Q, D]),
        (["So", ".", " The", " end", ".\n", "And", " on"], False, [S, P, S, X, P, S, X]),
        (["He", " said", " “", "no", ".”", " Then"], False, [S, X, P, X, P, S]),
        (["see", " example", ".", "com"], False, [S, X, P, X]),
        ([" 1,200", " $", "3.5"], False, [D, P, D]),
        (["\n\n", "Yes", "é", "!"], False, [X, S, X, P]),
        (["for", " x", " in", " y", ":\n", "    ", "return", " x"], True, [K, X, K, X, P, X, K, X]),
        (["If", " so", ":\n", "```", "\n", "if", " a", "\n```", "\n", "if"], False,
         [S, X, P, P, X, K, X, P, X, S]),
        (["it", " is", " in"], False, [S, X, X]),
        ([""], False, [X]),
    ],
)  # fmt: skip
def test_the_class_of_each_token(texts: list[str], code: bool, kinds: list[TokenClass]) -> None:
    assert list(classes_of(texts, code=code)) == kinds


TOKENS = st.lists(
    st.tuples(
        st.sampled_from([" the", "12", " +", ".", "\n", "Yes", "if", ""]),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
    max_size=12,
)


@pytest.mark.slow
@given(st.lists(TOKENS, max_size=5))
def test_classes_add_up_to_the_whole(texts: list[list[ShiftedToken]]) -> None:
    found = class_shifts(texts)
    shifts = [tuned - base for tokens in texts for _, base, tuned in tokens]
    assert found.texts == len(texts)
    assert found.whole.count == len(shifts)
    assert found.whole.shift == pytest.approx(sum(shifts), abs=1e-9)
    named = [t for tokens in texts for t, _, _ in tokens if t.strip()]
    assert sum(count for count, _ in found.whole.by_text.values()) == len(named)


def test_the_most_raised_tokens_are_those_that_came_more_than_once() -> None:
    found = ClassShifts()
    found.add(
        [("a", 0.5, 0.6), (" 7", 0.1, 0.9), (" 7", 0.3, 0.9), ("3", 0.0, 1.0), ("3", 0.9, 0.1)]
    )
    digits = found.classes[D]
    assert [(each.name, each.count) for each in digits.raised(5)] == [("7", 2), ("3", 2)]
    assert digits.raised(1)[0].mean_shift == pytest.approx(0.7)
    assert digits.mean_shift == pytest.approx((0.8 + 0.6 + 1.0 - 0.8) / 4)
    assert math.isnan(found.classes[Q].mean_shift)
    assert found.classes[S].raised(5)[0].name == "a"  # the only one of its class
