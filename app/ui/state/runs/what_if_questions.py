"""What-if questions about a finished run; a new question cancels the previous one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.decoding.types import WhatIfToken
from app.engine.commands import AskWhatIf
from app.engine.controls import Cancellation
from app.engine.events import Event, Failed, WhatIfAnswered
from app.errors import TuneshiftError
from app.ui.state.engine_requests import Requests
from app.ui.state.runs.run import Run


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Answer to a what-if question: the tokens that other alphas would have chosen.

    Attributes:
        run: The run.
        alphas: The other alphas.
        choices: Tokens that would differ, each given the actual tokens before it.
        examined: Number of examined tokens: those with kept logits that were sampled with the
            settings of the run, and whose pairs were read.
    """

    run: Run
    alphas: tuple[float, ...]
    choices: tuple[WhatIfToken, ...]
    examined: int


class WhatIfQuestions(QObject):
    """Sends what-if questions to the engine, and holds the last answer.

    Args:
        requests: Sends commands to the engine.
        report: Shows an error.
    """

    changed = Signal()
    """``answer`` or ``waiting`` changed."""

    def __init__(
        self,
        requests: Requests,
        report: Callable[[TuneshiftError, str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._requests = requests
        self._report = report
        self._question: tuple[AskWhatIf, Run] | None = None
        self.answer: WhatIf | None = None

    @property
    def waiting(self) -> bool:
        """Whether a question is pending; ``answer`` then belongs to an older one."""
        return self._question is not None

    def ask(self, run: Run, alphas: tuple[float, ...]) -> None:
        """Ask which tokens of ``run`` would differ; cancels a pending question."""
        self._cancel_question()
        steps = [step for step in run.rows.steps() if step.index >= run.sampled_from]
        command = AskWhatIf(
            self._requests.new_id(),
            run.prompt,
            run.recipe.sampling,
            alphas,
            run.token_ids,
            tuple(step for step in steps if not (step.forced or step.skipped)),
            Cancellation(),
            self._requests.load,
        )
        self._question = command, run
        self._requests.submit(command, self._handle)
        self.changed.emit()

    def clear(self) -> None:
        """Drop the answer, and cancel a pending question."""
        known = self.answer is not None or self.waiting
        self._cancel_question()
        self.answer = None
        if known:
            self.changed.emit()

    def _handle(self, events: Sequence[Event]) -> None:
        """Handle the answer to the last question."""
        if self._question is None:
            return
        (command, run), event = self._question, events[-1]
        self._requests.forget(command.id)
        self._question = None
        if isinstance(event, WhatIfAnswered):
            self.answer = WhatIf(run, command.alphas, event.choices, len(command.steps))
        elif isinstance(event, Failed) and event.error:
            self._report(event.error, event.details)
        self.changed.emit()

    def _cancel_question(self) -> None:
        if self._question:
            self._question[0].cancellation.request()
            self._requests.forget(self._question[0].id)
            self._question = None
