"""The texts of the window: how they come to be, which one is shown, and how they branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from app.attribution.row_store import RowBudget, RowStore
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason, OtherChoice
from app.engine.messages import (
    AskWhatIf,
    Cancellation,
    Command,
    Event,
    Failed,
    Generate,
    LiveAlphas,
    RunFinished,
    RunStarted,
    TokenDecoded,
    WhatIfAnswered,
)
from app.errors import PromptError, RecipeError, TuneshiftError
from app.ui.run import Run, Token
from app.ui.selection import Selection


class Models(Protocol):
    """What the runs need to know of the models and how to ask them."""

    @property
    def recipe(self) -> Recipe: ...
    @property
    def token_labels(self) -> tuple[str, ...]:
        """What to call each id, or nothing while no recipe is loaded."""
        ...

    def prepare_run(self) -> bool:
        """See to it that the recipe is loaded or being loaded; False where it cannot be."""
        ...

    def submit(self, command: Command) -> None: ...
    def report(self, error: TuneshiftError, details: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What other weights would have chosen along a finished text.

    Attributes:
        run: The text.
        alphas: The weights.
        choices: Where another token would have been chosen, given the text before it.
        looked_at: How many tokens have their full rows; the others could not be looked at.
    """

    run: Run
    alphas: tuple[float, ...]
    choices: tuple[OtherChoice, ...]
    looked_at: int


class Runs(QObject):
    """The texts of the window.

    Args:
        models: The session.
        ids: Gives a number to each command.
        row_bytes: Bound of the memory of full rows, for all texts together.
    """

    run_changed = Signal()
    """Another text is shown (``current``), or the one that is shown ended or goes on."""
    tokens_added = Signal(int)
    """Tokens of ``current`` came; the index of the first new one. At most once per frame."""
    progressed = Signal(object)
    """Any text, the argument, got tokens or ended."""
    list_changed = Signal()
    """``all`` changed, or the name of a text did."""
    what_if_changed = Signal()
    """``what_if`` changed."""
    decoded = Signal(object, list)
    """A text and the events of its new tokens, for whoever writes them down."""

    def __init__(
        self, models: Models, ids: Iterator[int], row_bytes: int, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._models = models
        self._ids = ids
        self._active: dict[int, Run] = {}
        self._question: tuple[AskWhatIf, Run] | None = None
        self.budget = RowBudget(row_bytes)
        self.all: list[Run] = []
        self.current: Run | None = None
        self.what_if: WhatIf | None = None
        self.selection = Selection(self._tokens, self)

    def _tokens(self) -> list[Token]:
        return self.current.tokens if self.current else []

    # What a person does

    @property
    def running(self) -> bool:
        """Whether tokens are being generated for any text."""
        return bool(self._active)

    def generate(self, prompt: str) -> None:
        """Start a text; loads the recipe first where that is still to be done."""
        if self._may_start(prompt):
            self._begin(self._new(prompt))

    def score(self, prompt: str, text: str) -> None:
        """Look at a given text, token by token, as if it had been generated after ``prompt``."""
        if not text:
            self._models.report(
                PromptError("There is no text to score", next_step="Paste or type some text.")
            )
        elif self._may_start(prompt):
            run = self._new(prompt)
            run.scored = True
            self._begin(run, text=text, limit=1)

    def ask_every_role(self, prompt: str) -> list[Run]:
        """Let every role answer alone, and then all of them together as tuned; one after another.

        Returns:
            A text for each role in the order of ``Recipe.roles``, and the tuned one as the last;
            nothing where no run can be started.
        """
        if not self._may_start(prompt):
            return []
        roles = [*range(len(self._models.recipe.roles())), None]
        runs = [self._new(prompt, role) for role in roles]
        for run in runs:
            self._add(run)
            self._submit(run)
        self.show(runs[-1])
        return runs

    def fork(self, index: int, *, token_id: int | None = None, text: str = "") -> None:
        """Let a branch of the shown text go on from another choice at token ``index``.

        Args:
            index: The first token that the branch does not share.
            token_id: The token to take there; without it or a text, the models choose.
            text: What to put there instead of a token.
        """
        run = self.current
        if run and not run.active and self._may_continue(run):
            branch = self._branch(run, index)
            self._begin(branch, forced=() if token_id is None else (token_id,), text=text)

    def go_on(self, count: int | None = None) -> None:
        """Continue the shown text where it ended.

        Args:
            count: How many tokens to add; by default as many as the sampling settings say.
        """
        run = self.current
        if run and not run.active and self._may_continue(run):
            more = self._models.recipe.sampling.max_new_tokens if count is None else count
            run.recipe = self._models.recipe
            if run.unfinished_end < len(run.tokens):
                self._take_up(run, run.unfinished_end, more)
                return
            self._submit(run, kept=run.token_ids, limit=len(run.tokens) + more)
            self.run_changed.emit()

    def step(self, prompt: str) -> None:
        """Draw one more token of the shown text, or the first of a new one."""
        run = self.current
        if run is None or run.prompt != prompt:
            if self._may_start(prompt):
                run = self._new(prompt)
                run.stepping = True
                self._begin(run, limit=1)
        else:
            run.stepping = True
            self.go_on(1)

    def choose(self, token_id: int) -> None:
        """Take another token in place of the last one of the shown text, without a branch."""
        run = self.current
        if run and run.tokens and not run.active and self._may_continue(run):
            self._take_up(run, len(run.tokens) - 1, 1, forced=(token_id,))

    def stop(self) -> None:
        """Stop every text within one token; what has come stays."""
        for run in self._active.values():
            run.cancellation.request()

    def set_alphas(self, alphas: tuple[float, ...]) -> None:
        """Let these weights act on the next token of what is being generated."""
        for run in self._active.values():
            if run.role is None and len(run.alphas.get()) == len(alphas):
                run.alphas.set(alphas)

    def ask_what_if(self, alphas: tuple[float, ...]) -> None:
        """Ask where the shown text would have gone another way under other weights."""
        run = self.current
        if run is None or run.active or run.role is not None or not self._may_continue(run):
            return
        if self._question:
            self._question[0].cancellation.request()
        command = AskWhatIf(
            next(self._ids),
            run.prompt,
            run.recipe.sampling,
            alphas,
            run.token_ids,
            tuple(run.rows.steps()),
            Cancellation(),
        )
        self._question = command, run
        self._models.submit(command)

    def clear_what_if(self) -> None:
        """Forget the answer to the last what-if question."""
        if self.what_if:
            self.what_if = None
            self.what_if_changed.emit()

    def show(self, run: Run | None) -> None:
        """Show another text."""
        if run is self.current:
            return
        self.current = run
        self.selection.clear()
        self.clear_what_if()
        self.run_changed.emit()

    def add(self, run: Run) -> None:
        """Take a text that was not made here, such as one of the history, and show it."""
        self._add(run)
        self.show(run)

    def rename(self, run: Run, name: str) -> None:
        """Give a text a name."""
        run.name = name
        self.list_changed.emit()

    def remove(self, run: Run) -> None:
        """Take a text out of the window; its branches hang on what it hung on."""
        run.cancellation.request()
        for other in self.all:
            if other.parent is run:
                other.parent, other.fork = run.parent, min(other.fork, run.fork)
        place = self.all.index(run)
        self.all.remove(run)
        if run is self.current:
            self.show(self.all[min(place, len(self.all) - 1)] if self.all else None)
        run.rows.forget()
        self.list_changed.emit()

    # Starting

    def _may_start(self, prompt: str) -> bool:
        if self.running:
            return False
        if not prompt:
            self._models.report(
                PromptError("The prompt is empty", next_step="Type some text to continue.")
            )
            return False
        return self._models.prepare_run()

    def _may_continue(self, run: Run) -> bool:
        """Whether the models that are loaded are those of ``run``; says so where they are not."""
        if self.running:
            return False
        if run.recipe.models != self._models.recipe.models:
            self._models.report(
                RecipeError(
                    "This text was made with other models",
                    evidence=f"it is of the recipe “{run.recipe.name}”",
                    next_step="Open that recipe, or generate the text again with this one.",
                )
            )
            return False
        return self._models.prepare_run()

    def _new(self, prompt: str, role: int | None = None) -> Run:
        recipe = self._models.recipe
        return Run(
            next(self._ids),
            prompt,
            recipe,
            LiveAlphas(recipe.alphas if role is None else ()),
            RowStore(self.budget),
            self._models.token_labels,
            role,
        )

    def _branch(self, run: Run, index: int) -> Run:
        branch = self._new(run.prompt, run.role)
        branch.parent = run
        branch.begin_with(run, index)
        return branch

    def _take_up(self, run: Run, index: int, more: int, forced: tuple[int, ...] = ()) -> None:
        """Put a text in the place of ``run`` that goes on from token ``index`` in another way."""
        other = self._branch(run, index)
        other.parent, other.fork, other.name = run.parent, min(run.fork, index), run.name
        other.stepping = run.stepping
        for child in self.all:
            if child.parent is run:
                child.parent = other
        self.all[self.all.index(run)] = other
        run.rows.forget()
        self._submit(other, kept=other.token_ids, forced=forced, limit=index + more)
        self.show(other)
        self.list_changed.emit()

    def _begin(
        self, run: Run, *, forced: tuple[int, ...] = (), text: str = "", limit: int | None = None
    ) -> None:
        self._add(run)
        self._submit(run, kept=run.token_ids, forced=forced, text=text, limit=limit)
        self.show(run)

    def _add(self, run: Run) -> None:
        self.all.append(run)
        self.list_changed.emit()

    def _submit(
        self,
        run: Run,
        *,
        kept: tuple[int, ...] = (),
        forced: tuple[int, ...] = (),
        text: str = "",
        limit: int | None = None,
    ) -> None:
        run.cancellation = Cancellation()
        run.finish_reason, run.failed, run.stats = None, False, None
        if run.role is None:
            run.alphas = LiveAlphas(self._models.recipe.alphas)
        config = self._models.recipe.sampling
        if limit is not None:
            config = replace(config, max_new_tokens=limit)
        if run.scored:
            config = replace(config, stop=())  # the text is looked at to its end
        command = Generate(
            next(self._ids),
            run.prompt,
            config,
            run.alphas,
            run.cancellation,
            kept,
            forced,
            text,
            run.role,
        )
        self._active[command.id] = run
        self._models.submit(command)

    # Events of the engine

    def receive(self, events: list[Event]) -> list[Event]:
        """Take what concerns the texts out of a batch of events; returns the others."""
        shown, before = self.current, len(self._tokens())
        fresh: dict[int, list[TokenDecoded]] = {}
        others: list[Event] = []
        ended: list[RunFinished | Failed] = []
        for event in events:
            run = self._active.get(getattr(event, "id", 0))
            if run is None:
                others.append(event)
            elif isinstance(event, TokenDecoded):
                run.add(event)
                fresh.setdefault(event.id, []).append(event)
            elif isinstance(event, RunStarted):
                run.prompt_tokens = event.prompt_tokens
            elif isinstance(event, RunFinished | Failed):
                ended.append(event)
        for id_, tokens in fresh.items():
            self.decoded.emit(self._active[id_], tokens)
        if shown is self.current and len(self._tokens()) > before:
            self.tokens_added.emit(before)
        for id_ in fresh:
            self.progressed.emit(self._active[id_])
        for event in ended:
            self._on_end(event)
        return [event for event in others if not self._answers_question(event)]

    def name_tokens(self, labels: tuple[str, ...]) -> None:
        """The models are loaded: what began before that learns what to call its tokens."""
        for run in self._active.values():
            run.labels = labels

    def abandon(self) -> None:
        """End what waits for models that will not come."""
        for id_ in list(self._active):
            self._end(id_, None)

    def _on_end(self, event: RunFinished | Failed) -> None:
        if isinstance(event, RunFinished):
            self._active[event.id].stats = event.stats
            self._end(event.id, event.finish_reason)
        else:
            self._end(event.id, None)
            if event.error:
                self._models.report(event.error, event.details)

    def _end(self, id_: int, reason: FinishReason | None) -> None:
        run = self._active.pop(id_)
        run.finish_reason = reason
        run.failed = reason is None
        self.progressed.emit(run)
        self.run_changed.emit()

    def _answers_question(self, event: Event) -> bool:
        if self._question is None or getattr(event, "id", 0) != self._question[0].id:
            return False
        command, run = self._question
        self._question = None
        if isinstance(event, WhatIfAnswered) and run is self.current:
            self.what_if = WhatIf(run, command.alphas, event.choices, len(command.steps))
            self.what_if_changed.emit()
        elif isinstance(event, Failed) and event.error:
            self._models.report(event.error, event.details)
        return True
