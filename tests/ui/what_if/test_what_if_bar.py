"""Tests of the what-if bar: questions, answers and branches."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.decoding.types import RoleLogits, TokenStep, WhatIfToken
from app.engine.commands import AskWhatIf, Generate
from app.ui.state.runs.runs import Runs
from app.ui.state.session import Session
from app.ui.what_if.what_if_bar import WhatIfBar
from app.ui.widgets.tab_order import tab_stops
from tests.ui.conftest import WORDS, FakeBridge, invent_step


@pytest.fixture
def runs(finished_session: Session) -> Runs:
    return finished_session.runs


@pytest.fixture
def bar(finished_session: Session, qtbot: QtBot) -> WhatIfBar:
    made = WhatIfBar(finished_session)
    qtbot.addWidget(made)
    made.enter()
    return made


def questions(bridge: FakeBridge) -> list[AskWhatIf]:
    return [command for command in bridge.commands if isinstance(command, AskWhatIf)]


def move(bar: WhatIfBar, qtbot: QtBot, bridge: FakeBridge, keys: int = 10) -> AskWhatIf:
    """Move the first slider by keys, and wait for the question."""
    before = len(questions(bridge))
    for _ in range(keys):
        qtbot.keyClick(bar.controls[0].slider, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: len(questions(bridge)) > before)
    return questions(bridge)[-1]


def test_sliders_start_at_the_alphas_of_the_run(
    finished_session: Session, bar: WhatIfBar, bridge: FakeBridge
) -> None:
    finished_session.set_alpha(0, 3.0)  # applies to the next run only
    assert bar.alphas == (1.0, 0.4)
    assert questions(bridge) == []
    assert not bar.generate.isEnabled()
    assert "without running a model" in bar.answer.message
    assert bar.controls[1].slider.accessibleName() == "What-if α of Arithmetic"


@pytest.mark.slow
def test_one_question_is_asked_when_the_slider_rests(
    bar: WhatIfBar, bridge: FakeBridge, qtbot: QtBot, runs: Runs
) -> None:
    question = move(bar, qtbot, bridge)
    assert len(questions(bridge)) == 1
    assert question.alphas == (1.5, 0.4)
    assert bar.answer.message == "Computing …"
    bridge.answer_what_if(WhatIfToken(16, 1), WhatIfToken(40, 2))
    assert runs.current
    present = runs.current.tokens[16].text.replace("\n", "↵").replace("\t", "⇥")
    assert bar.answer.message == (
        f"First difference at token 17: “{WORDS[1]}” instead of “{present}”; 2 of 60 tokens differ."
    )
    another = move(bar, qtbot, bridge, keys=1)
    assert another.alphas == (1.55, 0.4)
    assert not bar.generate.isEnabled()  # the shown answer belongs to the previous question
    bridge.answer_what_if()
    assert bar.answer.message == "All 60 tokens stay the same."
    assert not bar.generate.isEnabled()


@pytest.mark.slow
def test_next_different_token_cycles_through_the_answer(
    finished_session: Session, bar: WhatIfBar, bridge: FakeBridge, qtbot: QtBot
) -> None:
    move(bar, qtbot, bridge)
    bridge.answer_what_if(WhatIfToken(16, 1), WhatIfToken(40, 2))
    for index in (16, 40, 16):
        bar.jump.click()
        assert finished_session.selection.token == index


@pytest.mark.slow
def test_enter_generates_from_the_first_different_token(
    finished_session: Session, bar: WhatIfBar, bridge: FakeBridge, qtbot: QtBot, runs: Runs
) -> None:
    first = runs.current
    assert first
    move(bar, qtbot, bridge)
    bridge.answer_what_if(WhatIfToken(16, 1), WhatIfToken(40, 2))
    qtbot.keyClick(bar.controls[0].slider, Qt.Key.Key_Return)
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert finished_session.recipe.alphas == (1.5, 0.4)
    assert command.alphas.get() == (1.5, 0.4)
    assert command.kept == first.token_ids[:16]
    assert command.forced == (1,)
    assert runs.current is not first
    assert "ended" in bar.answer.message
    bridge.decode(4, start=16, seed=1)
    bridge.finish_run()
    assert bar.alphas == (1.5, 0.4)


@pytest.mark.slow
def test_tokens_without_kept_logits_are_counted(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot, runs: Runs
) -> None:
    bar = WhatIfBar(finished_session)
    qtbot.addWidget(bar)
    runs.budget.set_bound(runs.budget.held_bytes // 2)
    bar.enter()
    question = move(bar, qtbot, bridge)
    assert len(question.steps) == 30
    bridge.answer_what_if(WhatIfToken(50, 1))
    assert bar.answer.message.startswith("First known difference at token 51")
    assert "30 tokens are unknown: their logits are not kept." in bar.answer.message


@pytest.mark.slow
def test_tokens_sampled_with_other_settings_are_counted(
    finished_session: Session, bar: WhatIfBar, bridge: FakeBridge, qtbot: QtBot, runs: Runs
) -> None:
    sampling = replace(finished_session.recipe.sampling, temperature=0.1)
    finished_session.set_sampling(sampling)
    runs.fork(20)
    bridge.complete(5, seed=1)
    move(bar, qtbot, bridge)
    bridge.answer_what_if()
    assert bar.answer.message == (
        "All 5 tokens stay the same. The first 20 tokens were sampled with other settings."
    )


def unread(step: TokenStep) -> TokenStep:
    """The step as it is where a policy of alpha did not need the pairs."""
    base = step.kept_logits.base
    return replace(
        step,
        alphas=(0.0, 0.0),
        logits=RoleLogits(base, (base, base), (base, base)),
        skipped=True,
    )


def test_tokens_that_the_pairs_did_not_read_are_left_out(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    runs = loaded_session.runs
    runs.generate("Once upon a time")
    steps = [invent_step(index, (1.0, 0.4), 0) for index in range(10)]
    bridge.emit_steps([step if step.index % 5 == 0 else unread(step) for step in steps])
    bridge.finish_run()
    runs.ask_what_if((2.0, 0.4))
    (question,) = questions(bridge)
    assert [step.index for step in question.steps] == [0, 5]
    bridge.answer_what_if()
    assert runs.questions.answer
    assert runs.questions.answer.examined == 2


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["confidence:0.9", "kl:0.5"])
def test_a_run_with_a_policy_of_alpha_is_refused(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot, policy: str
) -> None:
    sampling = loaded_session.recipe.sampling
    loaded_session.set_sampling(replace(sampling, alpha_policy=policy))
    loaded_session.runs.generate("Once upon a time")
    bridge.emit_steps([invent_step(index, (0.3, 0.12), 0) for index in range(10)])
    bridge.finish_run()
    loaded_session.set_sampling(sampling)
    bar = WhatIfBar(loaded_session)
    qtbot.addWidget(bar)
    bar.enter()
    assert f"The policy of α “{policy}” scaled α at each token" in bar.answer.message
    assert bar.alphas == (1.0, 0.4), "not those of the last token, which the policy scaled"
    assert not any(control.isEnabled() for control in bar.controls)
    bar.try_alphas((2.0, 0.8))
    qtbot.waitUntil(lambda: not bar._delay.isActive())
    assert questions(bridge) == []


@pytest.mark.slow
def test_no_branch_starts_while_a_policy_would_scale_its_alphas(
    finished_session: Session, bar: WhatIfBar, bridge: FakeBridge, qtbot: QtBot, runs: Runs
) -> None:
    move(bar, qtbot, bridge)
    bridge.answer_what_if(WhatIfToken(16, 1))
    assert bar.generate.isEnabled()
    first, sampling = runs.current, finished_session.recipe.sampling
    finished_session.set_sampling(replace(sampling, alpha_policy="kl:0.5"))
    assert not bar.generate.isEnabled()
    assert "“kl:0.5” in the sampling settings would scale" in bar.generate.toolTip()
    assert bar.jump.isEnabled()
    qtbot.keyClick(bar.controls[0].slider, Qt.Key.Key_Return)
    assert runs.current is first
    finished_session.set_sampling(sampling)
    assert bar.generate.isEnabled()
    assert bar.generate.toolTip().startswith("Set these α")


def test_the_reason_is_shown_if_what_if_is_unavailable(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    runs = loaded_session.runs
    bar = WhatIfBar(loaded_session)
    qtbot.addWidget(bar)
    bar.enter()
    assert bar.answer.message == "Press Generate first."
    runs.generate("Once")
    assert "when the run has ended" in bar.answer.message
    assert not any(weight.slider.isEnabled() for weight in bar.controls)
    bridge.finish_run()
    assert bar.answer.message == "The run has no tokens."
    answers = runs.generate_all_roles("Once")
    bridge.finish_run()
    runs.stop()
    for command in bridge.commands:
        if isinstance(command, Generate):
            bridge.events.emit([])
    runs.show(answers[0])
    assert bar.controls == []


@pytest.mark.slow
def test_closing_the_bar_clears_the_answer(
    bar: WhatIfBar, bridge: FakeBridge, qtbot: QtBot, runs: Runs
) -> None:
    move(bar, qtbot, bridge)
    bridge.answer_what_if(WhatIfToken(16, 1))
    qtbot.keyClick(bar.controls[0].slider, Qt.Key.Key_Escape)
    assert runs.questions.answer is None
    assert not bar.isVisible()


@pytest.mark.slow
def test_double_click_resets_to_the_alpha_of_the_run(
    bar: WhatIfBar, bridge: FakeBridge, qtbot: QtBot, runs: Runs
) -> None:
    move(bar, qtbot, bridge)
    bridge.answer_what_if(WhatIfToken(16, 1))
    qtbot.mouseDClick(bar.controls[0].slider, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: runs.questions.answer is None)
    assert bar.alphas == (1.0, 0.4)
    assert len(questions(bridge)) == 1


def test_the_tab_order_of_the_bar(bar: WhatIfBar, bridge: FakeBridge, qtbot: QtBot) -> None:
    move(bar, qtbot, bridge)
    bridge.answer_what_if(WhatIfToken(16, 1))
    sliders = [control.slider for control in bar.controls]
    assert tab_stops(bar) == [bar.jump, bar.generate, bar.close_button, *sliders]
