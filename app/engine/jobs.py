"""Jobs: work of layers above the engine that runs on the engine's thread with borrowed models.

One job exists: :class:`app.evaluation.evaluation_job.EvaluationJob`, which evaluates tasks. A
layer that adds one implements :class:`Job` and submits it in a
:class:`~app.engine.commands.BorrowModels` command.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from app.checkpoints.loading.loaded_recipe import LoadedRecipe


class Job(Protocol):
    """Work on the loaded models that yields its results one by one."""

    @property
    def name(self) -> str:
        """What the job does, for the log, such as ``evaluation``."""
        ...

    def __call__(self, models: LoadedRecipe, /) -> Generator[object, None, None]:
        """Begin the job; each item is emitted as :class:`~app.engine.events.BorrowProgress`."""
        ...
