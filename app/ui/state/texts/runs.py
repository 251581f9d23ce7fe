"""The texts of the window: how they come to be, which one is shown, and how they branch."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.attribution.explained_token import ExplainedToken
from app.attribution.row_store import RowBudget, RowStore
from app.checkpoints.spec import CheckpointSpec
from app.engine.controls import LiveAlphas
from app.errors import PromptError
from app.history.repeat import Repeatable
from app.ui.state.engine_requests import Requests
from app.ui.state.texts.readiness import Models, Readiness
from app.ui.state.texts.removed_texts import RemovedTexts
from app.ui.state.texts.selection import Selection
from app.ui.state.texts.text_generation import AS_THE_SETTINGS_SAY, Generation, More
from app.ui.state.texts.text_run import Run
from app.ui.state.texts.what_if_questions import WhatIfQuestions


class Runs(QObject):
    """The texts of the window.

    For whoever writes them down, ``generation`` tells in this order: ``began`` for a text that is
    new or goes on, with the tokens that it begins with (``replaced`` comes before it where the text
    stands in the place of another); ``decoded`` and ``progressed`` for each batch of its tokens;
    and ``progressed`` once more when it has ended (``Run.active`` is False then). After that it may
    begin again.

    Args:
        models: The session.
        requests: The way to the engine.
        row_bytes: Bound of the memory of full rows, for all texts together.

    Attributes:
        generation: Tells what comes of every text.
        questions: What-if questions about the shown text, and the last answer.
    """

    run_changed = Signal()
    """Another text is shown (``current``), or one ended or goes on."""
    tokens_added = Signal(int)
    """Tokens of ``current`` came; the index of the first new one. At most once per frame."""
    list_changed = Signal()
    """``all`` or ``removed`` changed, or the name of a text did."""
    replaced = Signal(object, object)
    """A text of ``all``, the first, gave its place to another one that begins as it does.

    The other has its name, its parent and its branches, and the tokens that it shares with the
    first; what comes next takes the place of what the first had after these.
    """
    renamed = Signal(object)
    """The name of a text changed."""

    def __init__(
        self, models: Models, requests: Requests, row_bytes: int, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._models = models
        self._requests = requests
        self.generation = Generation(requests, models.report, self)
        self.generation.added.connect(self._on_added)
        self.generation.ended.connect(self.run_changed)
        self._readiness = Readiness(models, lambda: self.running, self)
        self.questions = WhatIfQuestions(requests, models.report, self)
        self._to_select: tuple[Run, int] | None = None
        self.budget = RowBudget(row_bytes)
        self.all: list[Run] = []
        self.current: Run | None = None
        self.removed = RemovedTexts()
        self.selection = Selection(self._tokens, self)

    def _tokens(self) -> list[ExplainedToken]:
        return self.current.tokens if self.current else []

    # New texts

    @property
    def running(self) -> bool:
        """Whether tokens are being generated for any text."""
        return self.generation.running

    def generate(self, prompt: str) -> None:
        """Start a text; loads the recipe first where that is still to be done."""
        if self._readiness.may_start(prompt):
            self._begin(self._new(prompt))

    def score(self, prompt: str, text: str) -> None:
        """Look at a given text, token by token, as if it had been generated after ``prompt``."""
        if not text:
            self._models.report(
                PromptError(
                    self.tr("There is no text to score"),
                    next_step=self.tr("Paste or type some text."),
                )
            )
        elif self._readiness.may_start(prompt):
            run = self._new(prompt)
            run.scored = True
            self._begin(run, More(text=text, limit=1, past_stop=True))  # all of it is looked at

    def ask_every_role(self, prompt: str) -> list[Run]:
        """Let every role answer alone, and then all of them together as tuned; one after another.

        The text that is shown stays the same.

        Returns:
            A text for each role in the order of ``Recipe.roles``, and the tuned one as the last.
            Roles of the same checkpoint with the same prompt have one text. Nothing where no run
            can be started.
        """
        if not self._readiness.may_start(prompt):
            return []
        group = self._requests.new_id()
        answers: dict[CheckpointSpec, Run] = {}
        runs = []
        for place, (_, spec) in enumerate(self._models.recipe.roles()):
            if spec not in answers:
                answers[spec] = self._new(prompt, place)
            runs.append(answers[spec])
        runs.append(self._new(prompt))
        for run in dict.fromkeys(runs):
            run.group = group
            self._add(run)
            self._ask(run)
        if self.current is None:
            self.show(runs[-1])
        else:
            self.run_changed.emit()
        return runs

    def repeat(self, wanted: Repeatable) -> None:
        """Make a text of the history again, once its recipe was opened."""
        if self._readiness.may_start(wanted.prompt):
            more = More(
                wanted.given,
                limit=wanted.config.max_new_tokens,
                past_stop=wanted.config.stop != wanted.recipe.sampling.stop,
                replay=wanted.alphas,
                drafts=wanted.drafts,
            )
            self._begin(self._new(wanted.prompt, wanted.role), more)

    # Another way from the text that is shown

    def can_continue(self, run: Run) -> bool:
        """Whether the recipe in the window has the models that ``run`` was made with."""
        return self._readiness.can_continue(run)

    def fork(self, index: int, *, token_id: int | None = None, text: str = "") -> None:
        """Let a branch of the shown text go on from another choice at token ``index``.

        That token is selected when it has come, so that yet another choice is near. The branch may
        have as many tokens from there as the sampling settings say.

        Args:
            index: The first token that the branch does not share; the length for one that goes on
                after the last.
            token_id: The token to take there; without it or a text, the models choose.
            text: What to put there instead of a token.
        """
        run = self.current
        if run and not run.active and self._readiness.may_continue(run):
            forced = () if token_id is None else (token_id,)
            limit = index + self._models.recipe.sampling.max_new_tokens
            branch = self._branch(run, index)
            self._to_select = branch, index
            self._begin(branch, More(forced, text, limit))

    def go_on(self, count: int | None = None) -> None:
        """Continue the shown text where it ended.

        One that ended at a stop string goes on past it and does not look for them. Where the
        sampling settings are others by now it is a branch that goes on, so that a text is always
        drawn in one way.

        Args:
            count: How many tokens to add; by default as many as the sampling settings say.
        """
        if self.current:
            more = self._models.recipe.sampling.max_new_tokens if count is None else count
            self._continue(self.current, more, stepping=False)

    def step(self, prompt: str) -> None:
        """Draw one more token of the shown text, or the first of a new one.

        A new one begins where ``prompt`` or the models are not those of the shown text.
        """
        run = self.current
        if run and run.prompt == prompt and self.can_continue(run):
            self._continue(run, 1, stepping=True)
        elif self._readiness.may_start(prompt):
            run = self._new(prompt)
            run.stepping = True
            self._begin(run, More(limit=1))

    def choose(self, token_id: int) -> None:
        """Take another token in place of the last one of the shown text, without a branch."""
        run = self.current
        if run and run.tokens and not run.active and self._readiness.may_continue(run):
            last = len(run.tokens) - 1
            self._take_up(run, last, More((token_id,), limit=last + 1))

    def take(self, index: int, token_id: int) -> None:
        """Let the shown text go on with another token at ``index``.

        In its place where it is the last one of a text that is drawn step by step, and otherwise
        in a branch.
        """
        run = self.current
        if run and run.stepping and index == len(run.tokens) - 1:
            self.choose(token_id)
        else:
            self.fork(index, token_id=token_id)

    def move(self, by: int) -> None:
        """Show the text ``by`` places further in ``all``, or the last one there is."""
        if self.all:
            start = self.all.index(self.current) if self.current in self.all else -1
            self.show(self.all[min(max(start + by, 0), len(self.all) - 1)])

    def stop(self) -> None:
        """Stop every text within one token; what has come stays."""
        self.generation.stop()

    def set_alphas(self, alphas: tuple[float, ...]) -> None:
        """Let these weights act on the next token of what is being generated."""
        self.generation.set_alphas(alphas)

    # What if

    def ask_what_if(self, alphas: tuple[float, ...]) -> None:
        """Ask where the shown text would have gone another way under other weights."""
        run = self.current
        if run and not run.active and run.role is None and self._readiness.may_continue(run):
            self.questions.ask(run, alphas)

    # The list of texts

    def show(self, run: Run | None) -> None:
        """Show another text; the selected token stays selected where it is in both."""
        if run is self.current:
            return
        kept = run.common_length(self.current) if run and self.current else 0
        self.current = run
        self.selection.keep(kept)
        self.questions.clear()
        self.run_changed.emit()

    def new_id(self) -> int:
        """The number of one more text."""
        return self._requests.new_id()

    def add(self, run: Run) -> None:
        """Take a text that was not made here, such as one of the history, and show it."""
        self._add(run)
        self.show(run)

    def rename(self, run: Run, name: str) -> None:
        """Give a text a name."""
        if name != run.name:
            run.name = name
            self.renamed.emit(run)
            self.list_changed.emit()

    def remove(self, run: Run) -> None:
        """Take a text out of the window; its branches hang on what it hung on.

        The last ones can be brought back by :meth:`restore`.
        """
        self.generation.drop(run)
        place = self.removed.take_out(run, self.all)
        if run is self.current:
            self.show(self.all[min(place, len(self.all) - 1)] if self.all else None)
        self.list_changed.emit()

    def restore(self, run: Run | None = None) -> None:
        """Bring a removed text back, by default the last one, and show it."""
        run = run or self.removed.last
        if run:
            self.removed.put_back(run, self.all)
            self.list_changed.emit()
            self.show(run)

    # Starting

    def _new(self, prompt: str, role: int | None = None) -> Run:
        recipe = self._models.recipe
        return Run(
            self._requests.new_id(),
            prompt,
            recipe,
            LiveAlphas(()),
            RowStore(self.budget),
            self._models.token_labels,
            role,
        )

    def _branch(self, run: Run, index: int) -> Run:
        branch = self._new(run.prompt, run.role)
        branch.parent = run
        branch.begin_with(run, index)
        return branch

    def _continue(self, run: Run, count: int, *, stepping: bool) -> None:
        if run.active or not self._readiness.may_continue(run):
            return
        end = len(run.tokens)
        more = More(text=run.unread_text, limit=end + count, past_stop=run.at_stop_string)
        run.stepping = stepping
        if not run.draws_as(self._models.recipe.sampling):
            branch = self._branch(run, end)
            branch.stepping = stepping
            self._begin(branch, more)
        elif run.settled_end < end:
            self._take_up(run, end, more)
        else:
            if all(token.forced for token in run.tokens):
                run.recipe = self._models.recipe  # nothing was drawn with the settings before
            self.questions.clear()
            self._ask(run, more)
            self.run_changed.emit()

    def _take_up(self, run: Run, index: int, more: More) -> None:
        """Put a text in the place of ``run`` that goes on from token ``index`` in another way."""
        other = self._branch(run, index)
        other.parent, other.fork = run.parent, min(run.fork, index)
        other.name, other.scored = run.name, run.scored
        other.group, other.stepping = run.group, run.stepping
        for child in self.all:
            if child.parent is run:
                child.parent, child.fork = other, min(child.fork, index)
        self.all[self.all.index(run)] = other
        self.replaced.emit(run, other)
        run.rows.forget()
        self._ask(other, more)
        self.show(other)
        self.list_changed.emit()

    def _begin(self, run: Run, more: More = AS_THE_SETTINGS_SAY) -> None:
        self._add(run)
        self._ask(run, more)
        self.show(run)

    def _add(self, run: Run) -> None:
        self.all.append(run)
        self.list_changed.emit()

    def _ask(self, run: Run, more: More = AS_THE_SETTINGS_SAY) -> None:
        self.generation.ask(run, self._models.recipe, more)

    # What comes

    def _on_added(self, run: Run, first: int) -> None:
        if run is self.current:
            self.tokens_added.emit(first)
            branch, index = self._to_select or (None, 0)
            if run.stepping:
                self.selection.select(len(run.tokens) - 1)
            elif run is branch and index < len(run.tokens):
                self._to_select = None
                if self.selection.token is None:
                    self.selection.select(index)

    def name_tokens(self, labels: tuple[str, ...]) -> None:
        """The models are loaded: texts that began before learn what to call their tokens."""
        for run in self.all:
            if not run.labels and self.can_continue(run):
                run.labels = labels

    def abandon(self) -> None:
        """End what waits for models that will not come."""
        self.generation.abandon()
