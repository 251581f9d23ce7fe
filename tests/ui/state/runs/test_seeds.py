"""Tests of the seeds of runs: new each time, pinned, kept by branches, shared by compared runs."""

from __future__ import annotations

from app.engine.commands import Generate
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge

PROMPT = "Once upon a time"


def generate(session: Session, bridge: FakeBridge) -> Run:
    session.runs.generate(PROMPT)
    bridge.complete(5)
    run = session.runs.current
    assert run is not None
    return run


def asked(bridge: FakeBridge) -> int:
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    return command.config.seed


def test_every_run_has_a_new_seed_which_its_recipe_records(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    loaded_session.set_seed(None)
    seeds = set()
    for _ in range(4):
        run = generate(loaded_session, bridge)
        assert run.recipe.sampling.seed == asked(bridge)
        assert not run.recipe.new_seeds  # a recipe of a run repeats it
        seeds.add(asked(bridge))
    assert len(seeds) == 4


def test_a_pinned_seed_is_the_seed_of_every_run(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    loaded_session.set_seed(41)
    assert [generate(loaded_session, bridge).recipe.sampling.seed for _ in range(2)] == [41, 41]


def test_regenerating_has_a_new_seed_and_leaves_the_pin(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    loaded_session.set_seed(41)
    first = generate(loaded_session, bridge)
    loaded_session.runs.regenerate()
    assert loaded_session.runs.current is not first
    assert asked(bridge) != 41
    assert loaded_session.recipe.sampling.seed == 41


def test_continuing_and_branching_keep_the_seed(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    loaded_session.set_seed(None)
    run = generate(loaded_session, bridge)
    seed = asked(bridge)
    loaded_session.runs.continue_run(3)
    assert loaded_session.runs.current is run  # no branch
    assert asked(bridge) == seed
    bridge.complete(3)
    loaded_session.runs.fork(2, token_id=1)
    assert asked(bridge) == seed


def test_a_run_of_a_pinned_seed_continues_with_it_after_the_pin_is_removed(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    loaded_session.set_seed(41)
    run = generate(loaded_session, bridge)
    loaded_session.set_seed(None)
    loaded_session.runs.continue_run(3)
    assert loaded_session.runs.current is run
    assert asked(bridge) == 41


def test_all_roles_share_one_new_seed(loaded_session: Session) -> None:
    loaded_session.set_seed(None)
    runs = loaded_session.runs.generate_all_roles(PROMPT)
    assert len({run.recipe.sampling.seed for run in runs}) == 1
