"""What each role alone makes of the tokens of its own prompt: their probabilities and ranks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.attribution.explained_token import ExplainedToken
from app.checkpoints.conversation import RunPrompt
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.engine.commands import Generate
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Event, Failed, RunFinished, TokenDecoded
from app.errors import TuneshiftError
from app.ui.state.engine_requests import Requests


@dataclass(slots=True, eq=False)
class PromptScores:
    """The scores of the prompt of a role.

    Attributes:
        tokens: The tokens from the second on; nothing predicts the first.
        complete: Whether all tokens are there.
    """

    tokens: list[ExplainedToken] = field(default_factory=list)
    complete: bool = False


class PromptScoring(QObject):
    """Asks the engine for the scores of a prompt, one role after another.

    Roles with the same checkpoint and the same prompt format share their scores. A new question
    cancels the one before.

    Args:
        requests: Sends commands to the engine.
        report: Shows an error.
    """

    changed = Signal()
    """``waiting`` changed, or the scores of a role are complete."""

    def __init__(
        self, requests: Requests, report: Callable[[TuneshiftError, str], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._requests = requests
        self._report = report
        self._scores: dict[CheckpointSpec, PromptScores] = {}
        self._waiting: set[int] = set()
        self._cancellation = Cancellation()

    @property
    def waiting(self) -> bool:
        """Whether scores of a role are still to come."""
        return bool(self._waiting)

    def of(self, spec: CheckpointSpec) -> PromptScores | None:
        """The last complete scores of a role; None if there are none."""
        found = self._scores.get(spec)
        return found if found and found.complete else None

    def ask(self, prompt: RunPrompt, recipe: Recipe, left_out: Collection[str] = ()) -> None:
        """Score a prompt with every role of the loaded recipe.

        Args:
            prompt: The prompt.
            recipe: The recipe.
            left_out: Names in ``Recipe.roles`` of roles whose own tokens cannot be scored.
        """
        self._drop()
        self._scores, self._cancellation = {}, Cancellation()
        config = replace(recipe.sampling, max_new_tokens=1, stop=())
        for place, (name, spec) in enumerate(recipe.roles()):
            if name in left_out or spec.is_endpoint or spec in self._scores:
                continue
            scores = self._scores[spec] = PromptScores()
            command = Generate(
                self._requests.new_id(),
                prompt,
                config,
                LiveAlphas(()),
                self._cancellation,
                role=place,
                speculate=False,
                echo=True,
                keep_rows=False,
                load=self._requests.load,
            )
            self._waiting.add(command.id)
            self._requests.submit(command, partial(self._handle, command, scores))
        self.changed.emit()

    def cancel(self) -> None:
        """Drop the question that is not answered yet; complete scores stay."""
        if self._waiting:
            self._drop()
            self.changed.emit()

    def _drop(self) -> None:
        self._cancellation.request()
        for id_ in self._waiting:
            self._requests.forget(id_)
        self._waiting.clear()

    def _handle(self, command: Generate, scores: PromptScores, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, TokenDecoded):
                if not event.step.forced:
                    continue  # the one after the prompt
                scores.tokens.append(ExplainedToken.of(event.step, event.attribution))
            elif isinstance(event, RunFinished | Failed):
                self._requests.forget(command.id)
                self._waiting.discard(command.id)
                scores.complete = isinstance(event, RunFinished)
                other = command.load != self._requests.load  # other models are being loaded
                if isinstance(event, Failed) and event.error and not other:
                    self._report(event.error, event.details)
                self.changed.emit()
