"""Policies of alpha in evaluations, compared with plain uncached forward passes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from app.decoding.alpha_policy import CONSTANT, parse_policy
from app.decoding.types import GenerationConfig
from app.evaluation.evaluator import Evaluator
from app.evaluation.identity import model_identity
from app.evaluation.plan import Plan, prepare
from app.evaluation.policy_verdict import policy_verdict, policy_verdict_of
from app.evaluation.requests import GenerateRequest, Prompt
from app.evaluation.store import Record
from app.evaluation.variants import Variant, variants_of
from tests import tiny
from tests.evaluation.conftest import Load
from tests.evaluation.test_evaluator import ANSWERS, PROMPTS, Formula, requests

POLICIES = ("ramp:0:2:3", "confidence:0.069", "kl:0.05")


class FormulaOfPolicies(Formula):
    """The formula with the alphas of a policy, each computed from its definition."""

    def distribution_logits(self, variant: Variant, prompt: str, tokens: list[int]) -> Tensor:
        base = self.rows(0, prompt, tokens)
        moved = super().distribution_logits(variant, prompt, tokens) - base
        factors = [
            self._factor(variant, index, *each)
            for index, each in enumerate(zip(base, moved, strict=True))
        ]
        return base + torch.tensor(factors, dtype=torch.float64)[:, None] * moved

    def _factor(self, variant: Variant, index: int, base: Tensor, moved: Tensor) -> float:
        kind, *numbers = variant.policy.text.split(":")
        if kind == "ramp":
            first, last, count = map(float, numbers)
            return first + (last - first) * min(index / count, 1)
        if kind == "confidence":
            return float(torch.softmax(base, 0).max() < float(numbers[0]))
        assert kind == "kl"
        low, high = 0.0, 1.0
        limit = float(numbers[0]) * math.log(2)
        if self._divergence(base, moved, 1.0) <= limit:
            return 1.0
        for _ in range(60):
            middle = (low + high) / 2
            if self._divergence(base, moved, middle) <= limit:
                low = middle
            else:
                high = middle
        return low

    @staticmethod
    def _divergence(base: Tensor, moved: Tensor, scale: float) -> float:
        one, other = (torch.log_softmax(row, 0) for row in (base + scale * moved, base))
        return float((one.exp() * (one - other)).sum())


@pytest.fixture(scope="module")
def of(load: Load) -> list[Variant]:
    policies = [parse_policy(text) for text in POLICIES]
    recipe = load("llama").recipe
    return variants_of(recipe, ["base", "tuned"], (1.0, 2.0), lambda name: recipe, policies)


@pytest.mark.slow
def test_scores_of_policies_equal_the_formula(
    load: Load, of: list[Variant], families: dict[str, tiny.Family]
) -> None:
    formula = FormulaOfPolicies(families["llama"])
    found = dict(Evaluator(load("llama"), 4).score(requests(), of))
    for place, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        for variant, score in zip(of, found[place], strict=True):
            if variant.kind == "base":
                continue
            expected = formula.score(variant, prompt, answer)
            assert score.logprob == pytest.approx(expected.logprob, abs=1e-3), variant.title
            assert score.tokens == expected.tokens


@pytest.mark.slow
@pytest.mark.parametrize("place", range(1, 7, 2))
def test_texts_of_policies_equal_the_formula(
    load: Load, of: list[Variant], families: dict[str, tiny.Family], place: int
) -> None:
    formula, variant = FormulaOfPolicies(families["llama"]), of[place]
    config = GenerationConfig(temperature=0.0, max_new_tokens=8)
    asked = [GenerateRequest(Prompt(prompt), config) for prompt in PROMPTS]
    found = dict(Evaluator(load("llama"), 3).generate(asked, variant))
    for at, prompt in enumerate(PROMPTS):
        assert found[at].text == formula.decode(formula.greedy(variant, prompt, 8))


def test_variants_of_policies_have_titles_and_identities_of_their_own(of: list[Variant]) -> None:
    titles = [variant.title for variant in of]
    assert titles[:3] == ["base", "tuned ramp:0:2:3", "tuned ×2 ramp:0:2:3"]
    assert len(set(titles)) == len(of) == 7
    prints = {name: "" for name, _ in of[0].recipe.roles()}
    identities = [str(model_identity(variant, prints)) for variant in of]
    assert len(set(identities)) == 7


def test_the_policy_of_a_recipe_is_evaluated_besides_constant_alphas(of: list[Variant]) -> None:
    recipe = of[0].recipe
    recipe = replace(recipe, sampling=replace(recipe.sampling, alpha_policy="kl:0.5"))
    plan = Plan(("demo-arithmetic",), ("base", "tuned"), policies=("answer", "kl:0.50"))
    titles = [variant.title for variant in prepare(plan, recipe, lambda name: recipe).variants]
    assert titles == ["base", "tuned", "tuned kl:0.5", "tuned answer"]


def variant(of: list[Variant], scale: float, policy: str) -> Variant:
    return Variant("tuned", of[0].recipe, "tuned", None, (scale,), scale, parse_policy(policy))


def records(values: list[float]) -> list[Record]:
    return [{"index": index, "value": value, "size": 10.0} for index, value in enumerate(values)]


def test_the_best_policy_is_compared_on_questions_that_did_not_choose_it(of: list[Variant]) -> None:
    good = [4.0 + 0.01 * (index % 5) for index in range(40)]
    answers = {
        variant(of, 1.0, "constant"): records([5.0 + 0.02 * (i % 3) for i in range(40)]),
        variant(of, 2.0, "constant"): records([6.0] * 40),
        variant(of, 1.0, "kl:0.5"): records(good),
        # best where it is chosen, worst where it is judged
        variant(of, 1.0, "answer"): records([9.0 if index % 2 else 1.0 for index in range(40)]),
    }
    found = policy_verdict(answers, higher_is_better=False)
    assert found is not None
    assert (found.constant, found.policy, found.questions) == ("tuned", "tuned answer", 20)
    assert not found.is_better
    assert str(found).startswith("No policy of alpha is better than the best constant")
    del answers[variant(of, 1.0, "answer")]
    found = policy_verdict(answers, higher_is_better=False)
    assert found is not None
    assert found.is_better
    assert found.gain is not None
    assert found.gain.value == pytest.approx(0.1, abs=0.01)
    assert found.as_json()["better"] is True
    assert policy_verdict_of(found.as_json()) == found
    reverse = policy_verdict(answers, higher_is_better=True)
    assert reverse is not None
    assert not reverse.is_better


def test_nothing_is_judged_without_policies_or_with_few_questions(of: list[Variant]) -> None:
    constant = {variant(of, 1.0, "constant"): records([1.0] * 9)}
    assert policy_verdict(constant, higher_is_better=True) is None
    few = {each: rows[:7] for each, rows in constant.items()}
    few[variant(of, 1.0, "kl:1")] = records([2.0] * 7)
    found = policy_verdict(few, higher_is_better=True)
    assert found is not None
    assert not found.is_better
    assert "at least 8" in str(found)


def test_a_constant_policy_is_no_part_of_an_identity(of: list[Variant]) -> None:
    recipe = of[0].recipe
    prints = {name: "" for name, _ in recipe.roles()}
    plain = Variant("tuned", recipe, "tuned", None, (1.0,))
    assert plain.policy == CONSTANT
    assert len(model_identity(plain, prints)) == 5  # stored answers stay valid
