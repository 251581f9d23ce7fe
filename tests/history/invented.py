"""Runs made of invented logits, for tests of the history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.attribution.attribution import TokenAttribution, attribute
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import GenerationConfig, RoleLogits, TokenStep
from app.history.archive import Archive
from app.history.database import Database
from app.history.records import Ending, NewRun, RunModels, new_run_id
from app.history.writer import HistoryWriter

VOCABULARY = 300
LABELS = (*(f"w{number}" for number in range(VOCABULARY - 2)), "한", "</script>")
WORDS = (" the", " king", "\n", " 한국", "", " </script>", " thou", ".")


def recipe(pairs: int = 1) -> Recipe:
    spec = CheckpointSpec("folder:/models/small")
    return Recipe(
        name="invented",
        base=CheckpointSpec("hub:owner/base@abc"),
        pairs=tuple(ExpertPair(f"Pair {i}", spec, spec, 1.0 + i) for i in range(pairs)),
    )


def new_run(prompt: str = "Once upon a time", pairs: int = 1, **others: object) -> NewRun:
    return NewRun(new_run_id(), prompt, recipe(pairs), GenerationConfig(seed=7), **others)  # type: ignore[arg-type]


def in_force(run: NewRun) -> RunModels:
    roles = tuple(
        RoleInForce(name, spec.source, "bfloat16", "cpu", 135_000_000, False, revision="abc")
        for name, spec in run.recipe.roles()
    )
    return RunModels(roles, tuple(5 for _ in roles), LABELS)


def step(
    index: int,
    alphas: Sequence[float] = (1.0,),
    *,
    start: int = 0,
    seed: int = 0,
    forced: bool = False,
    vocabulary: int = VOCABULARY,
) -> tuple[TokenStep, TokenAttribution]:
    """A step whose rows depend on ``index`` and ``seed``, with id 3 masked, and what it means."""
    random = np.random.default_rng((seed, index))
    rows = random.normal(0, 3, (1 + 2 * len(alphas), vocabulary)).astype(np.float32)
    rows[:, 3] = -np.inf
    count = len(alphas)
    logits = RoleLogits(rows[0], tuple(rows[1 : count + 1]), tuple(rows[count + 1 :]))
    token_id = int(random.integers(4, vocabulary))
    made = TokenStep(
        index, token_id, WORDS[index % len(WORDS)], start, tuple(alphas), logits, 0.5, forced
    )
    return made, attribute(logits, alphas, token_id)


def steps(
    count: int, alphas: Sequence[float] = (1.0,), first: int = 0, seed: int = 0
) -> list[tuple[TokenStep, TokenAttribution]]:
    made, start = [], 0
    for index in range(first, first + count):
        made.append(step(index, alphas, start=start, seed=seed))
        start = made[-1][0].end
    return made


def write_run(
    writer: HistoryWriter, run: NewRun, count: int = 8, ending: Ending | None = None
) -> list[tuple[TokenStep, TokenAttribution]]:
    """A whole run, put into a writer."""
    made = steps(count, run.recipe.alphas, run.fork_index)
    writer.begin(run)
    writer.describe(run.id, in_force(run))
    for token, explained in made:
        writer.add(run.id, token, explained)
    writer.finish(run.id, ending or Ending("length"))
    return made


class Desk:
    """A writer on a file, and an archive to look at what it wrote."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: list[Exception] = []
        self.writer = HistoryWriter(path, self.told.append)
        self.writer.start()

    def close(self) -> None:
        self.writer.close()
        assert self.writer.join(60)

    def archive(self) -> Archive:
        assert self.writer.flush(60)
        return Archive(self.writer.database or Database(self.path))
