"""Fixture of a session whose evaluation commands run item by item on tiny models."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEventLoop

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.spec import Recipe
from app.engine.commands import BorrowModels
from app.engine.events import BorrowFinished, BorrowProgress, Failed
from app.errors import Cancelled, TuneshiftError
from app.evaluation.loading import ModelLoader
from app.evaluation.plan import Plan
from app.history.evaluation_summaries import EvaluationSummary
from app.settings import Settings
from app.ui.state.records.window_evaluations import Evaluations
from app.ui.state.session import Session
from tests import tiny
from tests.evaluation.conftest import two_pairs
from tests.ui.conftest import FakeBridge

PROMPTS = ["Q: the king said", "Q: How many? 12 + 30 =", "Q: thou art", "Q: x y z"]


@pytest.fixture(scope="session")
def tiny_pairs(llama: tiny.Family) -> Recipe:
    return two_pairs(llama)


@pytest.fixture(scope="session")
def lent(tiny_pairs: Recipe) -> LoadedRecipe:
    return ModelLoader().load(tiny_pairs)


class Desk:
    """A session whose evaluation advances when a test calls :meth:`advance`."""

    def __init__(self, recipe: Recipe, lent: LoadedRecipe, folder: Path) -> None:
        self.bridge = FakeBridge()
        self.session = Session(self.bridge, recipe, Settings())  # type: ignore[arg-type]
        self.session.load()
        self.bridge.ready()
        self.bridge.finish_load()
        self.evaluations: Evaluations = self.session.evaluations
        self.evaluations.open(folder / "history.sqlite3")
        self.folder = folder
        self._lent = lent
        self._work: Generator[object, None, None] | None = None

    def advance(self, items: int = 10_000) -> None:
        """Run the last command up to a number of items."""
        command = self.bridge.last(BorrowModels)
        assert isinstance(command, BorrowModels)
        if self._work is None:
            self._work = command.job(self._lent)
        try:
            for _ in range(items):
                self.bridge.events.emit([BorrowProgress(command.id, next(self._work))])
                if command.cancellation.requested():
                    raise Cancelled
        except StopIteration:
            self._end(BorrowFinished(command.id))
        except Cancelled:
            self._end(Failed(command.id, None))
        except TuneshiftError as error:
            self._end(Failed(command.id, error))

    def settle(self) -> None:
        """Wait until the thread of the stored evaluations has done and answered everything."""
        loop = QEventLoop()
        self.evaluations.stored.background.run(
            self.session, lambda: None, lambda _: loop.quit(), self.session.report
        )
        loop.exec()

    def kept(self) -> list[EvaluationSummary]:
        """The evaluations in the history, newest first."""
        self.evaluations.stored.refresh()
        self.settle()
        return self.evaluations.stored.listed

    def close(self) -> None:
        self.evaluations.close()
        assert self.evaluations.join(60)

    def _end(self, event: BorrowFinished | Failed) -> None:
        if self._work:
            self._work.close()
        self._work = None
        self.bridge.events.emit([event])


@pytest.fixture
def desk(qapp: object, tiny_pairs: Recipe, lent: LoadedRecipe, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tiny_pairs, lent, tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def task(tmp_path: Path) -> Path:
    lines = [{"prompt": prompt, "answer": "a"} for prompt in PROMPTS]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, lines)))
    path = tmp_path / "mine.toml"
    path.write_text(
        'format = 1\nmetric = "contains"\ndata = "data.jsonl"\n[generation]\nmax_new_tokens = 6\n'
    )
    return path


@pytest.fixture
def plan(task: Path) -> Plan:
    return Plan((str(task),), ("base", "tuned"), (0.5, 1.0))
