"""Tests of the window's runs without a real engine: start, end, continue and branch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import CheckpointSpec
from app.decoding.types import FinishReason, TokenStep, WhatIfToken
from app.engine.commands import AskWhatIf, Generate
from app.engine.events import Failed, WhatIfAnswered
from app.errors import PromptError, TuneshiftError
from app.history.repeat import Repeatable
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge, invent_step

PROMPT = "Once upon a time"


@pytest.fixture
def runs(finished_session: Session) -> Runs:
    """Runs with one finished run of 60 tokens."""
    return finished_session.runs


def shown(runs: Runs) -> Run:
    assert runs.current is not None
    return runs.current


def asked(bridge: FakeBridge) -> Generate:
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    return command


def sample(session: Session, **settings: object) -> None:
    session.set_sampling(replace(session.recipe.sampling, **settings))  # type: ignore[arg-type]


def step_of(index: int, start: int, text: str) -> TokenStep:
    return replace(invent_step(index, (1.0, 0.4), start), text=text)


# Generating


def test_drafts_are_a_preference_and_a_repeated_run_has_its_own(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    runs = loaded_session.runs
    loaded_session.set_settings(replace(loaded_session.settings, drafts=False))
    runs.generate(PROMPT)
    assert not asked(bridge).speculate
    assert not shown(runs).drafts
    bridge.start_run()
    bridge.decode(2)
    bridge.finish_run(tokens=2)
    run = shown(runs)
    wanted = Repeatable(PROMPT, run.recipe, run.recipe.sampling, (), (), (), None, True, False)
    runs.repeat(wanted)
    assert asked(bridge).speculate
    assert shown(runs).drafts


def test_tokens_arrive_in_batches_with_one_signal_each(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    runs = loaded_session.runs
    heard: list[object] = []
    runs.generation.began.connect(lambda run: heard.append(("began", run)))
    runs.generation.decoded.connect(lambda run, events: heard.append(("decoded", run, len(events))))
    runs.tokens_added.connect(lambda first: heard.append(("added", first)))
    runs.generation.progressed.connect(lambda run: heard.append(("progressed", run, run.active)))
    runs.generate(PROMPT)
    run = shown(runs)
    bridge.start_run()
    bridge.decode(3)
    bridge.decode(2, start=3)
    bridge.finish_run(tokens=5)
    assert heard == [
        ("began", run),
        ("decoded", run, 3),
        ("added", 0),
        ("progressed", run, True),
        ("decoded", run, 2),
        ("added", 3),
        ("progressed", run, True),
        ("progressed", run, False),
    ]
    assert run.prompt_tokens == (5, 5, 5, 5, 5)
    assert run.finish_reason is FinishReason.LENGTH
    assert run.tokens_per_second == 100.0
    assert not runs.running


def test_only_one_run_is_active(loaded_session: Session, bridge: FakeBridge) -> None:
    runs = loaded_session.runs
    runs.generate(PROMPT)
    first, sent = shown(runs), len(bridge.commands)
    runs.generate("Another")
    runs.score("Another", "text")
    runs.step("Another")
    runs.continue_run()
    runs.fork(0)
    runs.replace_last(1)
    runs.ask_what_if((0.0, 0.0))
    assert runs.generate_all_roles("Another") == []
    assert runs.all == [first]
    assert len(bridge.commands) == sent


def test_a_moved_alpha_reaches_the_active_run(loaded_session: Session, bridge: FakeBridge) -> None:
    loaded_session.runs.generate(PROMPT)
    loaded_session.set_alpha(1, 2.5)
    assert asked(bridge).alphas.get() == (1.0, 2.5)


def test_a_run_cancelled_while_waiting_is_stopped_not_failed(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    loaded_session.runs.generate(PROMPT)
    loaded_session.runs.stop()
    assert asked(bridge).cancellation.requested()
    bridge.fail_run(None)
    run = shown(loaded_session.runs)
    assert run.finish_reason is FinishReason.CANCELLED
    assert not run.failed
    assert loaded_session.problem is None


def test_an_error_keeps_the_tokens_so_far(loaded_session: Session, bridge: FakeBridge) -> None:
    loaded_session.runs.generate(PROMPT)
    bridge.decode(4)
    error = TuneshiftError("Not a number")
    bridge.fail_run(error)
    run = shown(loaded_session.runs)
    assert run.failed
    assert len(run.tokens) == 4
    assert loaded_session.problem
    assert loaded_session.problem.error is error


def test_token_texts_are_set_after_loading(session: Session, bridge: FakeBridge) -> None:
    session.load()
    session.runs.generate(PROMPT)
    run = shown(session.runs)
    assert run.label(3) == "#3"
    bridge.ready()
    bridge.finish_load()
    assert run.label(3) == ","


# Scoring


def test_a_given_text_is_scored_to_its_end(loaded_session: Session, bridge: FakeBridge) -> None:
    sample(loaded_session, stop=("said",))
    loaded_session.runs.score(PROMPT, " the king said, and")
    command = asked(bridge)
    assert command.text == " the king said, and"
    assert command.config.max_new_tokens == 1  # no token is sampled after the text
    assert command.config.stop == ()
    assert shown(loaded_session.runs).scored


def test_an_empty_text_cannot_be_scored(loaded_session: Session, bridge: FakeBridge) -> None:
    loaded_session.runs.score(PROMPT, "")
    assert loaded_session.problem
    assert isinstance(loaded_session.problem.error, PromptError)
    assert loaded_session.runs.all == []


# All roles


def test_every_role_has_one_run(loaded_session: Session, bridge: FakeBridge) -> None:
    runs = loaded_session.runs.generate_all_roles(PROMPT)
    commands = [command for command in bridge.commands if isinstance(command, Generate)]
    # base, expert, anti-expert, expert, the same anti-expert, and tuned
    assert [run.role for run in runs] == [0, 1, 2, 3, 2, None]
    assert runs[4] is runs[2]
    assert [command.role for command in commands] == [0, 1, 2, 3, None]
    assert [command.alphas.get() for command in commands] == [()] * 4 + [(1.0, 0.4)]
    assert len({run.group for run in runs}) == 1
    assert runs[0].group
    assert loaded_session.runs.all == [*runs[:4], runs[5]]
    assert all(run.pair_names == () for run in runs[:4])


def test_a_role_with_another_prompt_has_its_own_run(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    spec = loaded_session.recipe.pairs[1].antiexpert
    loaded_session.set_spec(4, replace(spec, prompt="Q: {prompt}"))
    bridge.finish_load()
    runs = loaded_session.runs.generate_all_roles(PROMPT)
    assert len(set(runs)) == 6


def test_runs_of_all_roles_keep_the_shown_run_and_stop_together(
    finished_session: Session, bridge: FakeBridge
) -> None:
    before = finished_session.runs.current
    runs = finished_session.runs.generate_all_roles(PROMPT)
    assert finished_session.runs.current is before
    finished_session.runs.stop()
    assert all(run.cancellation.requested() for run in runs)


# Forks


def test_a_fork_keeps_the_tokens_before_it(
    finished_session: Session, bridge: FakeBridge, runs: Runs
) -> None:
    first = shown(runs)
    sample(finished_session, max_new_tokens=40)
    runs.fork(20, token_id=7)
    branch = shown(runs)
    command = asked(bridge)
    assert command.kept == first.token_ids[:20]
    assert command.forced == (7,)
    assert command.config.max_new_tokens == 60  # 40 more
    assert branch.parent is first
    assert branch.fork == 20
    assert branch.tokens == first.tokens[:20]
    assert runs.all == [first, branch]
    bridge.decode(3, start=20)
    assert len(branch.tokens) == 23
    assert len(first.tokens) == 60
    bridge.finish_run()
    assert branch.candidates(5).token_ids.tolist() == first.candidates(5).token_ids.tolist()
    assert branch.common_length(first) >= 20


def test_the_forked_token_is_selected_when_it_arrives(
    finished_session: Session, bridge: FakeBridge, runs: Runs
) -> None:
    selection = finished_session.selection
    selection.select(20)
    runs.fork(20, token_id=7)
    assert selection.token is None
    bridge.decode(2, start=20)
    assert selection.token == 20
    selection.select(21)
    bridge.decode(2, start=22)
    assert selection.token == 21  # the user has selected another token


def test_a_fork_can_begin_with_any_text(runs: Runs, bridge: FakeBridge) -> None:
    runs.fork(60, text=" and so")
    assert asked(bridge).text == " and so"
    assert len(asked(bridge).kept) == 60
    assert asked(bridge).config.max_new_tokens == 60 + 256


def test_logits_are_shared_by_a_branch_and_freed_with_both_runs(
    runs: Runs, bridge: FakeBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.state.runs.removed_runs.MOST", 1)
    held = runs.budget.held_bytes
    runs.fork(30)
    bridge.finish_run()
    assert runs.budget.held_bytes == held
    first, branch = runs.all
    runs.remove(first)
    runs.remove(branch)  # earlier removed runs can no longer be restored
    assert 0 < runs.budget.held_bytes < held
    runs.generate(PROMPT)
    runs.remove(shown(runs))
    assert runs.budget.held_bytes == 0


def test_a_run_of_other_models_is_not_continued(
    finished_session: Session, bridge: FakeBridge, runs: Runs
) -> None:
    finished_session.set_spec(0, CheckpointSpec("builtin:demo/shakespeare"))
    bridge.finish_load()
    sent = len(bridge.commands)
    for ask in (lambda: runs.fork(3), runs.continue_run, lambda: runs.replace_last(1)):
        finished_session.clear_problem()
        ask()
        assert finished_session.problem
        assert "other models" in str(finished_session.problem.error)
    assert len(bridge.commands) == sent
    assert len(runs.all) == 1


# Continue


def test_continue_adds_tokens_to_the_same_run(
    finished_session: Session, bridge: FakeBridge, runs: Runs
) -> None:
    run = shown(runs)
    runs.continue_run(10)
    assert shown(runs) is run
    assert run.active
    assert asked(bridge).kept == run.token_ids
    assert asked(bridge).config.max_new_tokens == 70
    assert run.tokens_per_second is None  # the speed before continuing does not count
    bridge.decode(2, start=60)
    assert len(run.tokens) == 62
    bridge.finish_run()
    runs.continue_run()
    assert asked(bridge).config.max_new_tokens == 62 + 256


def test_continue_with_other_settings_starts_a_branch(
    finished_session: Session, bridge: FakeBridge, runs: Runs
) -> None:
    run = shown(runs)
    sample(finished_session, max_new_tokens=99, stop=("x",))  # without effect on sampling
    runs.continue_run(1)
    assert shown(runs) is run
    bridge.complete(1)
    sample(finished_session, temperature=0.1)
    runs.continue_run(1)
    branch = shown(runs)
    assert branch.parent is run
    assert branch.fork == branch.sampled_from == 61
    assert asked(bridge).kept == run.token_ids


def test_a_scored_run_is_continued_in_place_with_any_settings(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    runs = loaded_session.runs
    runs.score(PROMPT, " the king")
    bridge.emit_steps([replace(invent_step(i, (1.0, 0.4), i), forced=True) for i in range(2)])
    bridge.finish_run()
    sample(loaded_session, temperature=0.1, stop=("x",))
    run = shown(runs)
    runs.continue_run(4)
    assert shown(runs) is run
    assert run.recipe.sampling.temperature == 0.1
    assert asked(bridge).config.stop == ("x",)


def test_an_unfinished_character_is_read_again_and_keeps_its_sampling_data(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    runs = loaded_session.runs
    runs.generate(PROMPT)
    bridge.emit_steps([step_of(0, 0, "a"), step_of(1, 1, ""), step_of(2, 1, "\ufffd")])
    bridge.finish_run()
    before = shown(runs)
    runs.rename(before, "mine")
    runs.fork(1)
    bridge.finish_run()
    child = shown(runs)
    runs.show(before)
    loaded_session.set_alpha(0, 3.0)
    with qtbot.waitSignal(runs.replaced) as told:
        runs.continue_run(1)
    run = shown(runs)
    assert told.args == [before, run]
    assert run is not before
    assert runs.all == [run, child]
    assert (run.parent, run.name, child.parent, child.fork) == (None, "mine", run, 1)
    assert asked(bridge).kept == before.token_ids[:1]
    assert asked(bridge).forced == before.token_ids[1:]
    assert asked(bridge).config.max_new_tokens == 4
    again = [
        replace(step_of(index, 1, ""), alphas=(3.0, 0.4), forced=True, sampled_probability=1.0)
        for index in (1, 2)
    ]
    with qtbot.waitSignal(runs.generation.decoded) as written:
        bridge.emit_steps([*again, step_of(3, 1, "한")])
    assert run.text == "a한"
    assert len(run.tokens) == 4
    drawn = before.tokens[2]
    assert run.tokens[2] == replace(drawn, text="")
    told_steps = [event.step for event in written.args[1]]
    assert [step.forced for step in told_steps] == [False] * 3
    assert told_steps[1].alphas == drawn.alphas


def test_unsettled_tokens_survive_an_error(loaded_session: Session, bridge: FakeBridge) -> None:
    runs = loaded_session.runs
    runs.generate(PROMPT)
    bridge.emit_steps([step_of(0, 0, "a"), step_of(1, 1, "\ufffd")])
    bridge.finish_run()
    before = list(shown(runs).tokens)
    runs.continue_run()
    bridge.fail_run(TuneshiftError("Out of memory"))
    assert shown(runs).tokens == before
    assert shown(runs).candidates(1)


def test_continue_completes_the_token_with_the_stop_string(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    runs = loaded_session.runs
    sample(loaded_session, stop=("ng",))
    runs.generate(PROMPT)
    bridge.emit_steps([step_of(0, 0, " the"), step_of(1, 4, " ki")])  # of " king"
    bridge.finish_run(FinishReason.STOP)
    before = shown(runs)
    runs.continue_run(5)
    assert asked(bridge).kept == before.token_ids[:1]
    assert asked(bridge).forced == before.token_ids[1:]
    assert asked(bridge).config.stop == ()
    assert asked(bridge).config.max_new_tokens == 7
    bridge.emit_steps([step_of(1, 4, " king")])
    assert shown(runs).text == " the king"
    bridge.finish_run()
    runs.continue_run(5)
    assert asked(bridge).config.stop == ("ng",)


# Step by step


@pytest.mark.parametrize("failed", [None, TuneshiftError("it broke")], ids=["stopped", "failed"])
def test_an_unread_stop_string_is_read_by_the_next_continue(
    loaded_session: Session, bridge: FakeBridge, failed: TuneshiftError | None
) -> None:
    runs = loaded_session.runs
    sample(loaded_session, stop=("\n",))
    runs.generate(PROMPT)
    bridge.start_run()
    bridge.emit_steps([step_of(0, 0, " king"), step_of(1, 5, " sa")])
    bridge.finish_run(FinishReason.STOP, tokens=2)
    runs.continue_run()
    bridge.fail_run(failed)
    assert shown(runs).text == " king sa"
    runs.continue_run()
    command = asked(bridge)
    assert len(command.kept) == 1
    assert len(command.forced) == 1
    assert command.config.stop == ()
    bridge.start_run()
    bridge.emit_steps([step_of(1, 5, " said\n"), step_of(2, 11, " thou")])
    bridge.finish_run(tokens=3)
    assert shown(runs).text == " king said\n thou"
    assert not shown(runs).at_stop_string


def test_unread_typed_text_is_read_by_continue(runs: Runs, bridge: FakeBridge) -> None:
    runs.fork(2, text=" and the queen")
    bridge.fail_run(None)
    assert shown(runs).unread_text == " and the queen"
    runs.continue_run()
    assert asked(bridge).text == " and the queen"
    bridge.start_run()
    end = shown(runs).tokens[-1].start + len(shown(runs).tokens[-1].text)
    bridge.emit_steps([replace(step_of(2, end, " and"), forced=True)])
    bridge.fail_run(None)
    assert shown(runs).unread_text == " the queen"
    runs.continue_run()
    assert asked(bridge).text == " the queen"
    bridge.start_run()
    steps = [step_of(3, end + 4, " the"), step_of(4, end + 8, " queen"), step_of(5, end + 14, "!")]
    bridge.emit_steps([replace(step, forced=place < 2) for place, step in enumerate(steps)])
    bridge.finish_run(tokens=4)
    assert shown(runs).unread_text == ""
    assert shown(runs).text.endswith(" and the queen!")


def test_stepping_generates_one_token_and_selects_it(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    runs = loaded_session.runs
    runs.step(PROMPT)
    assert asked(bridge).config.max_new_tokens == 1
    bridge.complete(1)
    run = shown(runs)
    assert run.stepping
    assert loaded_session.selection.token == 0
    runs.step(PROMPT)
    assert shown(runs) is run
    assert asked(bridge).kept == run.token_ids
    assert asked(bridge).config.max_new_tokens == 2
    bridge.complete(1)
    assert loaded_session.selection.token == 1
    runs.continue_run()
    assert not shown(runs).stepping


def test_stepping_proceeds_past_an_unfinished_character(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    runs = loaded_session.runs
    runs.step(PROMPT)
    bridge.emit_steps([step_of(0, 0, "\ufffd")])
    bridge.finish_run()
    runs.step(PROMPT)
    assert asked(bridge).config.max_new_tokens == 2
    assert len(asked(bridge).forced) == 1
    assert shown(runs).stepping


def test_another_token_replaces_the_last_one(loaded_session: Session, bridge: FakeBridge) -> None:
    runs = loaded_session.runs
    for _ in range(3):
        runs.step(PROMPT)
        bridge.complete(1)
    before = shown(runs)
    runs.replace_last(5)
    assert asked(bridge).kept == before.token_ids[:2]
    assert asked(bridge).forced == (5,)
    assert asked(bridge).config.max_new_tokens == 3
    assert runs.all == [shown(runs)]
    assert shown(runs).stepping
    bridge.emit_steps([replace(step_of(2, 8, " and"), token_id=5, forced=True)])
    assert [token.forced for token in shown(runs).tokens] == [False, False, True]
    assert loaded_session.selection.token == 2


def test_stepping_with_another_prompt_starts_another_run(runs: Runs, bridge: FakeBridge) -> None:
    runs.step("Something else")
    assert len(runs.all) == 2
    assert asked(bridge).kept == ()


def test_stepping_with_other_models_starts_another_run(
    finished_session: Session, bridge: FakeBridge, runs: Runs
) -> None:
    finished_session.set_spec(0, CheckpointSpec("builtin:demo/shakespeare"))
    bridge.finish_load()
    runs.step(PROMPT)
    assert len(runs.all) == 2
    assert finished_session.problem is None


# What if


def test_a_what_if_question_is_about_tokens_sampled_with_the_settings_of_the_run(
    finished_session: Session, bridge: FakeBridge, runs: Runs, qtbot: QtBot
) -> None:
    sample(finished_session, temperature=0.3)
    runs.fork(20, token_id=3)
    bridge.emit_steps([replace(invent_step(20, (1.0, 0.4), 0), forced=True)])
    bridge.decode(9, start=21)
    bridge.finish_run()
    runs.ask_what_if((0.0, 2.0))
    question = bridge.last(AskWhatIf)
    assert isinstance(question, AskWhatIf)
    assert question.config.temperature == 0.3
    # the first 20 tokens have another temperature, and token 20 was given
    assert [step.index for step in question.steps] == list(range(21, 30))
    assert question.token_ids == shown(runs).token_ids
    with qtbot.waitSignal(runs.questions.changed):
        bridge.answer_what_if(WhatIfToken(25, 4))
    assert runs.questions.answer
    assert runs.questions.answer.run is shown(runs)
    assert runs.questions.answer.alphas == (0.0, 2.0)
    assert runs.questions.answer.examined == 9
    assert runs.questions.answer.choices == (WhatIfToken(25, 4),)


def test_only_the_latest_question_counts(runs: Runs, bridge: FakeBridge) -> None:
    runs.ask_what_if((0.0, 0.0))
    first = bridge.last(AskWhatIf)
    assert isinstance(first, AskWhatIf)
    runs.ask_what_if((2.0, 0.0))
    assert first.cancellation.requested()
    bridge.events.emit([Failed(first.id, None)])
    assert runs.questions.waiting
    bridge.events.emit([WhatIfAnswered(first.id, (WhatIfToken(1, 1),))])
    assert runs.questions.answer is None
    bridge.answer_what_if()
    assert runs.questions.answer
    assert runs.questions.answer.alphas == (2.0, 0.0)
    assert not runs.questions.waiting


def test_an_answer_is_cleared_with_its_run(runs: Runs, bridge: FakeBridge) -> None:
    runs.ask_what_if((0.0, 0.0))
    bridge.answer_what_if(WhatIfToken(3, 1))
    runs.continue_run(1)
    assert runs.questions.answer is None
    bridge.complete(1)
    runs.ask_what_if((0.0, 0.0))
    question = bridge.last(AskWhatIf)
    assert isinstance(question, AskWhatIf)
    runs.show(None)
    assert question.cancellation.requested()
    bridge.answer_what_if(WhatIfToken(3, 1))
    assert runs.questions.answer is None


def test_a_failed_question_is_reported(
    finished_session: Session, runs: Runs, bridge: FakeBridge
) -> None:
    runs.ask_what_if((0.0, 0.0))
    error = TuneshiftError("No recipe is loaded")
    bridge.events.emit([Failed(bridge.last(AskWhatIf).id, error)])
    assert finished_session.problem
    assert finished_session.problem.error is error
    assert not runs.questions.waiting


def test_runs_of_one_role_have_no_what_if(loaded_session: Session, bridge: FakeBridge) -> None:
    runs = loaded_session.runs
    answers = runs.generate_all_roles(PROMPT)
    runs.stop()
    for command in list(bridge.commands):
        if isinstance(command, Generate):
            bridge.events.emit([Failed(command.id, None)])
    runs.show(answers[0])
    runs.ask_what_if((0.0, 0.0))
    assert not any(isinstance(command, AskWhatIf) for command in bridge.commands)


# The list


def test_shared_tokens_stay_selected(
    finished_session: Session, bridge: FakeBridge, runs: Runs
) -> None:
    finished_session.selection.select(12)
    runs.fork(20)
    bridge.complete(4, seed=1)
    assert finished_session.selection.token == 12
    first, branch = runs.all
    finished_session.selection.select(21)
    runs.show(first)
    assert finished_session.selection.token is None
    assert runs.current is not branch


def test_a_removed_run_keeps_its_branches_and_can_be_restored(
    runs: Runs, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = shown(runs)
    runs.fork(20)
    bridge.complete(10, seed=1)
    second = shown(runs)
    runs.fork(25)
    bridge.complete(10, seed=2)
    third = shown(runs)
    with qtbot.waitSignal(runs.list_changed):
        runs.remove(second)
    assert runs.all == [first, third]
    assert (third.parent, third.fork) == (first, 20)
    assert shown(runs) is third
    runs.remove(third)
    assert shown(runs) is first
    runs.restore()
    assert runs.all == [first, third]
    assert shown(runs) is third
    assert third.candidates(27)
    runs.restore()
    assert runs.all == [first, second, third]
    assert (third.parent, third.fork) == (second, 25)
    assert runs.removed.last is None
    runs.restore()
    assert runs.all == [first, second, third]


def test_branches_return_to_a_restored_run(runs: Runs, bridge: FakeBridge) -> None:
    first = shown(runs)
    runs.fork(20)
    bridge.complete(10, seed=1)
    branch = shown(runs)
    runs.remove(first)
    assert (branch.parent, branch.fork) == (None, 0)
    runs.restore()
    assert runs.all == [first, branch]
    assert (branch.parent, branch.fork) == (first, 20)


def test_an_active_run_can_be_removed(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    runs = loaded_session.runs
    runs.generate(PROMPT)
    bridge.decode(3)
    run = shown(runs)
    with qtbot.waitSignal(runs.generation.progressed):
        runs.remove(run)
    assert asked(bridge).cancellation.requested()
    assert not runs.running
    assert run.finish_reason is FinishReason.CANCELLED
    bridge.decode(2, start=3)  # events that were queued already
    bridge.finish_run()
    assert len(run.tokens) == 3
    assert runs.current is None


def test_renaming_emits_one_signal(runs: Runs, qtbot: QtBot) -> None:
    with qtbot.waitSignals([runs.renamed, runs.list_changed]):
        runs.rename(shown(runs), "Good one")
    with qtbot.assertNotEmitted(runs.renamed):
        runs.rename(shown(runs), "Good one")
    assert shown(runs).name == "Good one"
