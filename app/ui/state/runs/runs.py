"""List of the window's runs: starts, continues, branches, shows and removes them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.attribution.row_store import RowBudget
from app.checkpoints.conversation import RunPrompt
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.decoding.noise import new_seed
from app.errors import PromptError, TuneshiftError
from app.history.repeat import Repeatable
from app.ui.state.engine_requests import Requests
from app.ui.state.runs.new_runs import NewRuns
from app.ui.state.runs.prompt_scores import PromptScoring
from app.ui.state.runs.readiness import Models, Readiness
from app.ui.state.runs.removed_runs import RemovedRuns, answers_from, run_beside
from app.ui.state.runs.run import NO_CHAT, ChatPlace, Run
from app.ui.state.runs.run_generation import DEFAULT_CONTINUATION, Continuation, Generation
from app.ui.state.runs.selection import Selection
from app.ui.state.runs.what_if_questions import WhatIfQuestions


class Runs(QObject):
    """The runs of the window.

    ``generation`` emits the signals that a recorder needs, in this order: ``began`` when a run
    starts or continues from the tokens that it has, after ``replaced`` if it replaces another run;
    ``decoded`` and ``progressed`` for each batch of tokens; ``progressed`` once more at the end,
    when ``Run.active`` is False. A run that is continued begins again.

    Args:
        models: The session.
        requests: Sends commands to the engine.
        row_bytes: Memory limit of the kept logits of all runs together.

    Attributes:
        generation: Runs the generation of all runs.
        questions: What-if questions about the shown run, and the last answer.
        prompt_scoring: What each role makes of its own prompt.
    """

    run_changed = Signal()
    """``current`` is another run, or a run started, continued or ended."""
    tokens_added = Signal(int)
    """``current`` got tokens; the index of the first new one. At most once per frame."""
    list_changed = Signal()
    """``all``, ``removed`` or the name of a run changed."""
    replaced = Signal(object, object)
    """The first run was replaced in ``all`` by the second one.

    The second run has the name, parent and branches of the first, and its tokens up to the point
    where it continues differently.
    """
    renamed = Signal(object)
    """The name of a run changed."""

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
        self.prompt_scoring = PromptScoring(requests, models, self)
        self._token_to_select: tuple[Run, int] | None = None
        self.budget = RowBudget(row_bytes)
        self._make = NewRuns(models, requests, self.budget)
        self.all: list[Run] = []
        self.current: Run | None = None
        self.removed = RemovedRuns()
        self.selection = Selection(lambda: self.current, self)

    # New runs

    @property
    def running(self) -> bool:
        """Whether any run is active."""
        return self.generation.running

    def generate(
        self, prompt: RunPrompt, place: ChatPlace = NO_CHAT, seed: int | None = None
    ) -> None:
        """Start a run; loads the recipe first if necessary.

        Args:
            prompt: A text to continue, or a conversation to answer.
            place: Where the answer belongs in its conversation.
            seed: The seed of this run, its branches included; by default that of the recipe.
        """
        if self._readiness.may_start(prompt):
            self._begin(self._make.make(prompt, None, place, seed))

    def generate_aside(self, prompt: RunPrompt) -> Run | None:
        """Start a run that is not in the list of runs; None if it cannot start."""
        if not self._readiness.may_start(prompt):
            return None
        run = self._make.make(prompt)
        self._ask(run)
        return run

    def regenerate(self) -> None:
        """Start a run with the prompt of the shown one and a new seed."""
        if self.current:
            self.generate(self.current.prompt, seed=new_seed())

    def score(self, prompt: RunPrompt, text: str, place: ChatPlace = NO_CHAT) -> None:
        """Score ``text``: compute the attribution of its tokens as if they were generated."""
        if not text:
            self._models.report(
                PromptError(
                    self.tr("There is no text to score"),
                    next_step=self.tr("Paste or type some text."),
                )
            )
        elif self._readiness.may_start(prompt):
            run = self._make.make(prompt, place=place)
            run.scored = True
            # Stop strings in the text are ignored.
            self._begin(run, Continuation(text=text, limit=1, past_stop=True))

    def generate_all_roles(self, prompt: RunPrompt) -> list[Run]:
        """Start a run of each role alone and a tuned run, one after another.

        The shown run does not change.

        Returns:
            A run for each role in the order of ``Recipe.roles``, followed by the tuned run. Roles
            with the same checkpoint and the same prompt format share a run. Empty if no run can
            start.
        """
        if not self._readiness.may_start(prompt):
            return []
        group = self._requests.new_id()
        answers: dict[CheckpointSpec, Run] = {}
        seed = self._make.common_seed()
        runs = []
        for place, (_, spec) in enumerate(self._models.recipe.roles()):
            if spec not in answers:
                answers[spec] = self._make.make(prompt, place, seed=seed)
            runs.append(answers[spec])
        runs.append(self._make.make(prompt, seed=seed))
        for run in dict.fromkeys(runs):
            run.group = group
            self._add(run)
            self._ask(run)
        if self.current is None:
            self.show(runs[-1])
        else:
            self.run_changed.emit()
        return runs

    def repeat(self, wanted: Repeatable, place: ChatPlace = NO_CHAT) -> None:
        """Run a run of the history again; its recipe must be open."""
        if self._readiness.may_start(wanted.prompt):
            run = self._make.make(wanted.prompt, wanted.role, place, wanted.config.seed)
            self._begin(run, Continuation.repeating(wanted))

    def score_again(self, run: Run, lent: Recipe | None = None) -> Run | None:
        """Score the tokens of ``run`` with the open recipe, or ``lent``; it is not shown."""
        if not self._readiness.may_start(run.prompt, lent):
            return None
        again = self._make.make(run.prompt, run.role, seed=run.recipe.sampling.seed)
        again.scored = True
        self._add(again)
        self._ask(again, Continuation.scoring_again(run, len(again.recipe.pairs)))
        return again

    # Continuing the shown run

    def can_continue(self, run: Run) -> bool:
        """Whether the current recipe has the models of ``run``."""
        return self._readiness.can_continue(run)

    def fork(self, index: int, *, token_id: int | None = None, text: str = "") -> None:
        """Start a branch of the shown run that differs from token ``index`` on.

        That token is selected as soon as it exists. The sampling settings limit the number of
        tokens from there on.

        Args:
            index: Index of the first token that the branch does not share; the length of the run
                for a branch after the last token.
            token_id: The token at ``index``; sampled if neither this nor ``text`` is given.
            text: Text to insert at ``index`` instead of a token.
        """
        run = self.current
        if run and not run.active and self._readiness.may_continue(run):
            forced = () if token_id is None else (token_id,)
            limit = index + self._models.recipe.sampling.max_new_tokens
            branch = self._make.branch(run, index)
            self._token_to_select = branch, index
            self._begin(branch, Continuation(forced, text, limit))

    def continue_run(self, count: int | None = None) -> None:
        """Continue the shown run where it ended.

        A run that ended at a stop string continues past it and ignores further stop strings. If
        the sampling settings have changed, a branch is continued instead, so that all sampled
        tokens of a run have the same settings.

        Args:
            count: Number of tokens to add; by default that of the sampling settings.
        """
        if self.current:
            more = self._models.recipe.sampling.max_new_tokens if count is None else count
            self._continue(self.current, more, stepping=False)

    def step(self, prompt: RunPrompt, place: ChatPlace = NO_CHAT) -> None:
        """Generate one token of the shown run, or the first of a new run.

        A new run starts if ``prompt`` or the models differ from those of the shown run.
        """
        run = self.current
        if run and run.prompt == prompt and self.can_continue(run):
            self._continue(run, 1, stepping=True)
        elif self._readiness.may_start(prompt):
            run = self._make.make(prompt, None, place)
            run.stepping = True
            self._begin(run, Continuation(limit=1))

    def replace_last(self, token_id: int) -> None:
        """Replace the last token of the shown run, without a branch unless an answer follows it."""
        run = self.current
        if run and run.tokens and not run.active and self._readiness.may_continue(run):
            last = len(run.tokens) - 1
            if self._is_followed(run):
                self.fork(last, token_id=token_id)
            else:
                self._replace(run, last, Continuation((token_id,), limit=last + 1))

    def continue_with(self, index: int, token_id: int) -> None:
        """Continue the shown run with another token at ``index``.

        The last token of a stepped run is replaced; otherwise a branch is started.
        """
        run = self.current
        if run and run.stepping and index == len(run.tokens) - 1:
            self.replace_last(token_id)
        else:
            self.fork(index, token_id=token_id)

    def move(self, by: int) -> None:
        """Show the run ``by`` positions further in ``all``, clamped to the ends of the list."""
        if self.all:
            start = self.all.index(self.current) if self.current in self.all else -1
            self.show(self.all[min(max(start + by, 0), len(self.all) - 1)])

    def stop(self) -> None:
        """Stop all runs after their current token; the tokens so far are kept."""
        self.generation.stop()

    def set_alphas(self, alphas: tuple[float, ...]) -> None:
        """Use these alphas from the next token of the active runs on."""
        self.generation.set_alphas(alphas)

    # What if

    def ask_what_if(self, alphas: tuple[float, ...]) -> None:
        """Compute which tokens of the shown run would differ at other alphas."""
        run = self.current
        if run and not run.active and run.role is None and self._readiness.may_continue(run):
            self.questions.ask(run, alphas)

    # The list of runs

    def show(self, run: Run | None) -> None:
        """Show another run; the selection is kept if both runs share the selected tokens."""
        if run is self.current:
            return
        kept = run.common_length(self.current) if run and self.current else 0
        self.current = run
        self.selection.keep(kept)
        self.questions.clear()
        self.run_changed.emit()

    def new_id(self) -> int:
        """A new unique id of a run."""
        return self._requests.new_id()

    def add(self, run: Run, *, shown: bool = True) -> None:
        """Add a run that was made elsewhere, such as one from the history, and show it."""
        self._add(run)
        if shown:
            self.show(run)

    def rename(self, run: Run, name: str) -> None:
        """Set the name of a run."""
        if name != run.name:
            run.name = name
            self.renamed.emit(run)
            self.list_changed.emit()

    def remove(self, run: Run) -> None:
        """Remove a run from the window, with the answers that follow it in a conversation.

        Its parent becomes the parent of its branches. :meth:`restore` undoes this.
        """
        for one in answers_from(run, self.all):
            self.generation.drop(one)
        place = self.removed.take_out(run, self.all)
        if self.current not in self.all:
            self.show(run_beside(run, place, self.all))
        self.list_changed.emit()

    def restore(self, run: Run | None = None) -> None:
        """Restore a removed run, by default the last one, and show it."""
        run = run or self.removed.last
        if run:
            if run.follows and run.follows in self.removed:
                self.restore(run.follows)
            self.removed.put_back(run, self.all)
            self.list_changed.emit()
            self.show(run)

    # Starting

    def _continue(self, run: Run, count: int, *, stepping: bool) -> None:
        if run.active or not self._readiness.may_continue(run):
            return
        end = len(run.tokens)
        more = Continuation(
            text=run.unread_text,
            limit=end + count,
            past_stop=run.at_stop_string,
            past_turn=run.at_stop_string,
        )
        run.stepping = stepping
        recipe = self._make.recipe_of(run)
        if not run.samples_like(recipe.sampling) or self._is_followed(run):
            branch = self._make.branch(run, end)
            branch.stepping = stepping
            self._begin(branch, more)
        elif run.settled_end < end:
            self._replace(run, end, more)
        else:
            if all(token.forced for token in run.tokens):
                run.recipe = recipe  # no token was sampled with the old settings
            self.questions.clear()
            self._ask(run, more)
            self.run_changed.emit()

    def _is_followed(self, run: Run) -> bool:
        """Whether a message after this answer has been answered, which has read its tokens."""
        return any(other.follows is run for other in self.all)

    def _replace(self, run: Run, index: int, more: Continuation) -> None:
        """Replace ``run`` by a run that continues differently from token ``index`` on."""
        other = self._make.branch(run, index)
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

    def _begin(self, run: Run, more: Continuation = DEFAULT_CONTINUATION) -> None:
        self._add(run)
        self._ask(run, more)
        self.show(run)

    def _add(self, run: Run) -> None:
        self.all.append(run)
        self.list_changed.emit()

    def _ask(self, run: Run, more: Continuation = DEFAULT_CONTINUATION) -> None:
        self.generation.ask(run, self._make.recipe_of(run), more)

    # Events of the engine

    def _on_added(self, run: Run, first: int) -> None:
        if run is self.current:
            self.tokens_added.emit(first)
            branch, index = self._token_to_select or (None, 0)
            if run.stepping:
                self.selection.select(len(run.tokens) - 1)
            elif run is branch and index < len(run.tokens):
                self._token_to_select = None
                if self.selection.token is None:
                    self.selection.select(index)

    def name_tokens(self, labels: tuple[str, ...]) -> None:
        """Set the texts of token ids in runs that started before their models were loaded."""
        for run in self.all:
            if not run.labels and run.recipe.models == self._models.recipe_in_use.models:
                run.labels = labels

    def abandon(self, error: TuneshiftError | None) -> None:
        """End runs that wait for models that failed to load; None if loading was cancelled."""
        self.generation.abandon(error)
