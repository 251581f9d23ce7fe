"""Policies of alpha: how they are written, and the factors that they give."""

from __future__ import annotations

import numpy as np
import pytest

from app.decoding.alpha_policy import FORMS, AlphaPolicy, PolicyKind, parse_policy
from app.decoding.alpha_schedule import AlphaSchedule, confidence, entropy
from app.decoding.detokenizer import Detokenizer
from app.decoding.thinking import KNOWN_FORMS, Thinking
from app.decoding.types import GenerationConfig, RoleLogits
from app.errors import SettingsError
from tests import tiny

TOKENIZER = tiny.make_tokenizer()
NO_ROWS = RoleLogits(np.zeros(3, np.float32), (), ())


def schedule(text: str, thinking: Thinking | None = None) -> AlphaSchedule:
    known = thinking or Thinking(prompt_known=True)
    return AlphaSchedule(parse_policy(text), known, Detokenizer(TOKENIZER))


def rows(base: list[float], expert: list[float]) -> RoleLogits:
    both = [np.log(np.array(each, np.float64)).astype(np.float32) for each in (base, expert)]
    return RoleLogits(both[0], (both[1],), (both[0],))


@pytest.mark.parametrize(
    "text",
    [
        "constant",
        "ramp:0:1.5:50",
        "thinking",
        "answer",
        "entropy:1",
        "entropy:0.5:2",
        "confidence:0.9",
        "agreement:0.2:0.8",
        "kl:0.25",
    ],
)
def test_a_policy_is_read_as_it_is_written(text: str) -> None:
    assert parse_policy(text).text == text
    assert GenerationConfig(alpha_policy=text).alpha_policy == text


def test_every_kind_has_a_form() -> None:
    assert set(FORMS) == set(PolicyKind)


@pytest.mark.parametrize(
    "text",
    [
        "often",
        "constant:1",
        "ramp:0:1",
        "ramp:0:1:0",
        "ramp:0:1:2.5",
        "ramp:0:nan:3",
        "kl",
        "kl:-1",
        "kl:inf",
        "kl:a",
        "entropy:2:1",
        "confidence:1.1",
        "agreement:-0.1",
        "thinking:1",
    ],
)
def test_what_is_no_policy_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(SettingsError) as error:
        GenerationConfig(alpha_policy=text)
    assert text in f"{error.value.cause} {error.value.evidence}"
    assert error.value.next_step


def test_an_empty_policy_is_refused() -> None:
    with pytest.raises(SettingsError, match="not an alpha policy"):
        parse_policy("")


def test_a_ramp_goes_from_one_factor_to_the_other() -> None:
    found = [schedule("ramp:0:2:4").scaled((1.0, -0.5), i, lambda: NO_ROWS) for i in range(6)]
    assert [alphas[0] for alphas in found] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.0]
    assert [alphas[1] for alphas in found] == [0.0, -0.25, -0.5, -0.75, -1.0, -1.0]


def test_a_factor_of_one_leaves_alphas_as_they_are() -> None:
    alphas = (0.1, 1 / 3)
    assert schedule("ramp:1:1:9").scaled(alphas, 3, lambda: NO_ROWS) == alphas
    assert schedule("answer").scaled(alphas, 0, lambda: NO_ROWS) == alphas


def test_thinking_and_answer_divide_the_tokens_of_a_text() -> None:
    thinking = Thinking(KNOWN_FORMS[:1], prompt_known=True)
    text = "<think>a king</think>\n\nthe sea"
    ids = TOKENIZER.encode(text).ids
    inside, outside = schedule("thinking", thinking), schedule("answer", thinking)
    ends = np.cumsum([len(TOKENIZER.decode([token])) for token in ids])
    for end, token in zip(ends, ids, strict=True):
        inside.push(token)
        outside.push(token)
        expected = len("<think>") <= end < text.index("</think>") + len("</think>")
        assert inside.known_factor(0) == float(expected)
        assert outside.known_factor(0) == float(not expected)


def test_thinking_that_the_prompt_begins_is_known_at_the_first_token() -> None:
    begun = Thinking(KNOWN_FORMS, KNOWN_FORMS[0], prompt_known=True)
    assert schedule("thinking", begun).known_factor(0) == 1.0


def test_entropy_and_confidence_agree_with_their_definitions() -> None:
    row = np.random.default_rng(3).normal(0, 4, 500).astype(np.float32)
    row[7] = -np.inf
    p = np.exp(row.astype(np.float64))
    p /= p.sum()
    assert confidence(row) == pytest.approx(p.max(), rel=1e-12)
    assert entropy(row) == pytest.approx(-(p[p > 0] * np.log(p[p > 0])).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "base", "factor"),
    [
        ("entropy:1.5", [0.25] * 4, 1.0),
        ("entropy:2.5", [0.25] * 4, 0.0),
        ("entropy:1:3", [0.25] * 4, 0.5),
        ("confidence:0.9", [0.8, 0.2], 1.0),
        ("confidence:0.7", [0.8, 0.2], 0.0),
        ("confidence:0.7:0.9", [0.8, 0.2], 0.5),
    ],
)
def test_the_base_decides_how_much_it_is_tuned(text: str, base: list[float], factor: float) -> None:
    found = schedule(text).scaled((2.0,), 0, lambda: rows(base, base))
    assert found == pytest.approx((2.0 * factor,), abs=1e-6)


def test_pairs_act_where_their_expert_disagrees_with_the_base() -> None:
    logits = rows([0.5, 0.5, 1e-9], [0.25, 0.25, 0.5])  # they share half of their probability
    for text, factor in [
        ("agreement:0.6", 1.0),
        ("agreement:0.4", 0.0),
        ("agreement:0.25:0.75", 0.5),
    ]:
        assert schedule(text).scaled((3.0,), 0, lambda: logits) == pytest.approx(
            (3.0 * factor,), abs=1e-5
        )


def test_only_policies_that_can_reach_zero_may_skip() -> None:
    skipping = {text: parse_policy(text).may_skip for text in ("ramp:1:0:5", "ramp:0:1:5")}
    assert skipping == {"ramp:1:0:5": True, "ramp:0:1:5": False}
    assert not any(AlphaPolicy(kind, (0.5,)).may_skip for kind in ("kl", "agreement", "constant"))  # type: ignore[arg-type]
