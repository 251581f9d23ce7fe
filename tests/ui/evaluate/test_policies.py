"""Tests of policies of α in the evaluation dialog: their choice, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.decoding.alpha_policy import parse_policy
from app.evaluation.metrics import Measure
from app.evaluation.paired_interval import Interval
from app.evaluation.policy_verdict import PolicyVerdict
from app.evaluation.results import Result, TaskResults
from app.evaluation.variants import Variant
from app.ui.evaluate.policy_verdict_words import policy_verdict_words
from app.ui.evaluate.results_view import ResultsView
from app.ui.evaluate.setup_form import SetupForm
from tests.ui.evaluating import Desk


@pytest.fixture
def form(desk: Desk, task: Path, qtbot: QtBot) -> SetupForm:
    made = SetupForm(desk.session.history.reading)
    qtbot.addWidget(made)
    made.show_recipe(desk.session.recipe)
    made.tasks.choose([str(task)], {})
    return made


def test_policies_are_part_of_the_plan_and_are_remembered(
    form: SetupForm, desk: Desk, qtbot: QtBot
) -> None:
    assert form.plan().policies == ()
    form.policies.setText(" kl:0.5, confidence:0.90 ,kl:0.5,")
    assert form.missing == ""
    assert form.plan().policies == ("kl:0.5", "confidence:0.9")
    again = SetupForm(desk.session.history.reading)
    qtbot.addWidget(again)
    again.restore(form.remembered())
    assert again.policies.text() == form.policies.text()
    again.policies.clear()
    again.show_plan(form.plan())
    assert again.policies.text() == "kl:0.5, confidence:0.9"


def test_what_was_remembered_before_there_were_policies_is_restored(form: SetupForm) -> None:
    old = form.remembered()
    del old["policies"]
    form.scales.setText("3")
    form.restore({**old, "scales": "0.5"})
    assert form.scales.text() == "0.5"
    assert form.policies.text() == ""


def test_what_is_no_policy_is_refused_with_the_forms(form: SetupForm) -> None:
    form.policies.setText("entropie:2")
    assert "“entropie:2” is not an alpha policy" in form.missing


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Interval(0.12, 0.02, 0.2), "A policy of α is better than the best constant."),
        (Interval(0.12, -0.02, 0.2), "No policy of α is better than the best constant."),
    ],
)
def test_the_verdict_says_which_is_better_with_its_interval(gain: Interval, said: str) -> None:
    text = policy_verdict_words(PolicyVerdict("tuned ×0.5", "tuned kl:0.5", gain, 40))
    assert text.startswith(said)
    assert "tuned kl:0.5, gains +0.1200 over tuned ×0.5" in text
    assert f"{gain.low:+.4f} to +0.2000".replace("-", "−") in text
    assert "40 questions" in text


def test_the_scores_have_the_verdict(qtbot: QtBot, desk: Desk) -> None:
    view = ResultsView()
    qtbot.addWidget(view)
    recipe = desk.session.recipe
    results = tuple(
        Result(
            Variant("tuned", recipe, "tuned", None, (1.0, 1.0), 1.0, parse_policy(policy)),
            Measure(0.5, 0.1, 4),
        )
        for policy in ("constant", "kl:0.5")
    )
    few = PolicyVerdict("tuned", "tuned kl:0.5", None, 3)
    view.show_results([TaskResults("mine", "accuracy", True, results, few)], "")
    assert view.verdict.text() == (
        "Too few questions to compare policies of α: at least 8 are needed."
    )
    assert not view.verdict.isHidden()
    assert "kl:0.5" in view.chart.described
    view.show_results([TaskResults("mine", "accuracy", True, results[:1])], "")
    assert view.verdict.isHidden()
