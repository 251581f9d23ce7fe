"""A load that dies while it reads leaves nothing behind, and the next load works."""

from __future__ import annotations

import gc

import pytest
from transformers import PreTrainedModel

from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import Recipe
from app.engine.commands import Load
from app.engine.controls import Cancellation
from app.engine.events import Event, Failed, Loaded, Loading
from tests.engine.test_engine import SAMPLED, Desk, tokens

FULL = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000000000 bytes"
DEATHS = [
    MemoryError(),
    RuntimeError(FULL),
    RuntimeError("could not create a primitive"),
]


def models_alive() -> int:
    gc.collect()
    return sum(isinstance(each, PreTrainedModel) for each in gc.get_objects())


def die_while(desk: Desk, role: str, death: Exception, *, proving: bool) -> None:
    """Let the next load die when half of the weights of ``role`` are read, or in its proof."""

    def on_event(event: Event) -> None:
        if isinstance(event, Loading):
            at = event.progress
            if (at.role, at.proving) == (role, proving) and at.done >= at.total / 2:
                desk.on_event = lambda event: None
                raise death

    desk.on_event = on_event


@pytest.mark.slow
@pytest.mark.parametrize("death", DEATHS, ids=["memory", "tensor", "kernel"])
@pytest.mark.parametrize(
    ("role", "proving"), [("expert “Style”", False), ("anti-expert “Style”", True)]
)
def test_a_load_that_dies_leaves_nothing_and_the_next_one_works(
    tiny_recipe: Recipe, role: str, proving: bool, death: Exception
) -> None:
    expected = Desk()
    expected.load(tiny_recipe)
    ids = tokens(expected.generate(SAMPLED, fresh=True))
    expected.engine.unload()
    before, desk = models_alive(), Desk()
    die_while(desk, role, death, proving=proving)
    load = Load(1, tiny_recipe, Cancellation(), proof=ProofMode.FRESH)
    failed = desk.handle(load)[-1]
    assert isinstance(failed, Failed)
    assert failed.error is not None
    assert models_alive() == before
    assert isinstance(desk.generate()[-1], Failed)  # there is nothing to generate with
    assert isinstance(desk.load(tiny_recipe)[-1], Loaded)
    assert tokens(desk.generate(SAMPLED, fresh=True)) == ids
