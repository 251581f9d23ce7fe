"""What each role alone makes of the tokens of its own prompt: their probabilities and ranks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.attribution.scored_prompt import PromptToken
from app.checkpoints.conversation import RunPrompt
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.engine.commands import Generate
from app.engine.controls import Cancellation
from app.engine.events import Event, Failed, RunFinished
from app.engine.prompt_scoring import PromptTokens, scorable, score_of_prompt
from app.ui.state.engine_requests import Requests
from app.ui.state.runs.readiness import Models


@dataclass(slots=True, eq=False)
class PromptScores:
    """The scores of the prompt of a role.

    Attributes:
        read: The tokens so far.
        complete: Whether all tokens are there.
    """

    read: PromptTokens = field(default_factory=PromptTokens)
    complete: bool = False

    @property
    def tokens(self) -> list[PromptToken]:
        """The tokens; nothing predicts the first."""
        return self.read.tokens


class PromptScoring(QObject):
    """Asks the engine for the scores of a prompt, one role after another.

    Roles with the same checkpoint and the same prompt format share their scores. A new question
    cancels the one before.

    Args:
        requests: Sends commands to the engine.
        models: The session.
    """

    changed = Signal()
    """``waiting`` changed, or the scores of a role are complete."""

    def __init__(self, requests: Requests, models: Models, parent: QObject) -> None:
        super().__init__(parent)
        self._requests = requests
        self._models = models
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
        for spec, place in scorable(recipe, left_out).items():
            scores = self._scores[spec] = PromptScores()
            command = score_of_prompt(
                self._requests.new_id(),
                prompt,
                recipe,
                place,
                self._cancellation,
                self._requests.load,
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
            scores.read.receive(event, self._label)
            if isinstance(event, RunFinished | Failed):
                self._requests.forget(command.id)
                self._waiting.discard(command.id)
                scores.complete = isinstance(event, RunFinished)
                other = command.load != self._requests.load  # other models are being loaded
                if isinstance(event, Failed) and event.error and not other:
                    self._models.report(event.error, event.details)
                self.changed.emit()

    def _label(self, token_id: int) -> str:
        labels = self._models.token_labels
        return labels[token_id] if token_id < len(labels) else f"#{token_id}"
