"""What the engine emits for one command, collected."""

from __future__ import annotations

from collections.abc import Callable

from app.attribution.candidates import CandidateTable, tabulate
from app.attribution.explained_token import ExplainedToken
from app.engine.events import Event, Failed, Loaded, RunFinished, RunStarted, TokenDecoded
from app.errors import Cancelled

TokenReceiver = Callable[[ExplainedToken], None]


class ReceivedEvents:
    """What the engine emits for one command; with ``given``, only given tokens count."""

    def __init__(self, on_token: TokenReceiver | None = None, given: bool = False) -> None:
        self._on_token = on_token
        self._given = given
        self.loaded: Loaded | None = None
        self.prompt_tokens: tuple[int, ...] = ()
        self.tokens: list[ExplainedToken] = []
        self.tables: list[CandidateTable] = []
        self.skipped: set[int] = set()
        self.finished: RunFinished | None = None
        self.failed: Failed | None = None

    def receive(self, event: Event) -> None:
        match event:
            case TokenDecoded():
                self._add(event)
            case Loaded():
                self.loaded = event
            case RunStarted():
                self.prompt_tokens = event.prompt_tokens
            case RunFinished():
                self.finished = event
            case Failed():
                self.failed = event

    def check(self) -> None:
        """Raise the error that the command ended with, if any."""
        if self.failed is not None:
            raise self.failed.error or Cancelled

    def _add(self, event: TokenDecoded) -> None:
        if self._given and not event.step.forced:
            return  # the one after a prompt
        token = ExplainedToken.of(event.step, event.attribution)
        self.tokens.append(token)
        if event.step.skipped:
            self.skipped.add(token.index)
        if event.candidates is not None:
            self.tables.append(tabulate(event.candidates))
        if self._on_token is not None:
            self._on_token(token)
