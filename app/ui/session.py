"""The state of the window. Widgets talk to it, and never to each other."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace
from enum import StrEnum

from PySide6.QtCore import Signal, Slot

from app.checkpoints.report import Preflight
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.decoding.types import FinishReason
from app.engine.messages import (
    Cancellation,
    Checked,
    EngineFailed,
    EngineReady,
    Event,
    Failed,
    Generate,
    LiveAlphas,
    Load,
    Loaded,
    Loading,
    RunFinished,
    RunStarted,
    TokenDecoded,
)
from app.errors import PromptError, TuneshiftError
from app.settings import Settings
from app.ui.bridge import Bridge
from app.ui.checks import Checks
from app.ui.downloads import Downloads
from app.ui.load_rate import LoadRate
from app.ui.recipe_state import RecipeState
from app.ui.run import Run


class LoadState(StrEnum):
    """Where the models of the recipe stand."""

    STARTING = "starting"  # torch is being imported
    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error to show, with what to copy into a bug report."""

    error: TuneshiftError
    details: str = ""


class Session(RecipeState):
    """The one place where the window's state changes.

    Args:
        bridge: The way to the engine.
        recipe: The recipe to start with.
        settings: Preferences; defaults for device and dtype.
    """

    prompt_changed = Signal()
    """``prompt`` changed: the person typed."""
    load_changed = Signal()
    """``load_state``, ``load_progress`` or ``roles_in_force`` changed."""
    run_changed = Signal()
    """Another run began (``run`` is new and empty), or the run ended."""
    tokens_added = Signal(int)
    """Tokens came; the argument is the index of the first new one. At most once per frame."""
    selection_changed = Signal()
    """``selected`` changed."""
    preflight_changed = Signal()
    """``preflight``, ``checked_prompt`` or ``check_problem`` changed."""
    candidate_checked = Signal(object, object)
    """The recipe of :meth:`check_candidate` and what was found: ``Preflight`` or error."""
    settings_changed = Signal()
    problem_changed = Signal()
    """``problem`` was set or cleared."""

    def __init__(self, bridge: Bridge, recipe: Recipe, settings: Settings) -> None:
        super().__init__(recipe)
        self._bridge = bridge
        self._ids = itertools.count(1)
        self._engine_problem: Problem | None = None
        self._load: Load | None = None
        self._checks = Checks(bridge.submit, self._ids)
        self._candidates = Checks(bridge.submit, self._ids)
        self._loaded: Loaded | None = None
        self._left: Recipe | None = None
        self.settings = settings
        self.downloads = Downloads(self)
        self.prompt = ""
        self.devices: tuple[str, ...] = ()
        self.torch_version = ""
        self.load_state = LoadState.STARTING
        self.load_progress: dict[str, LoadProgress] = {}
        self.load_rate = LoadRate()
        self.roles_in_force: tuple[RoleInForce, ...] = ()
        self.preflight: Preflight | None = None
        self.checked_prompt = ""
        self.check_problem: TuneshiftError | None = None
        self.resident_bytes = 0
        self.run: Run | None = None
        self.selected: int | None = None
        self.problem: Problem | None = None
        bridge.events.connect(self._receive)

    # Recipe and prompt

    @property
    def editable(self) -> bool:
        """Whether roles and pairs may change; alphas and sampling always may."""
        return not self.running

    def set_prompt(self, prompt: str) -> None:
        """Take what the person has typed so far."""
        if prompt != self.prompt:
            self.prompt = prompt
            self.prompt_changed.emit()

    def _take(self, recipe: Recipe) -> None:
        before = self.recipe
        if self.run and self.run.active and len(recipe.pairs) == len(before.pairs):
            self.run.alphas.set(recipe.alphas)
        super()._take(recipe)
        if _what_loads(recipe) != _what_loads(before):
            waiting = self._left is None and self.load_state is not LoadState.FAILED
            self._left = before if self._loaded or waiting else self._left
            self.load()
        elif [alpha < 0 for alpha in recipe.alphas] != [alpha < 0 for alpha in before.alphas]:
            self.check(self.prompt)  # its warnings depend on the sign

    @property
    def previous(self) -> Recipe | None:
        """The last recipe that was loaded, or about to be, before one that failed to load."""
        failed = self.load_state is LoadState.FAILED
        return self._left if failed and self._left != self._recipe else None

    # Loading

    def load(self, *, although_full: bool = False, fresh: bool = False) -> None:
        """Load the recipe's models; a load that is under way is given up.

        Args:
            although_full: Load although the estimate says that they do not fit.
            fresh: Read the files again although these very models are in memory.
        """
        if self._engine_is_gone():
            return
        if self._load:
            self._load.cancellation.request()
        self.stop()
        self.clear_problem()
        self._loaded = None
        self.roles_in_force = ()
        self.load_progress = {}
        self.load_rate = LoadRate()
        self._load = Load(
            next(self._ids),
            self._with_defaults(self._recipe),
            Cancellation(),
            although_full,
            fresh,
            self.prompt,
        )
        self._set_load_state(LoadState.LOADING if self.devices else LoadState.STARTING)
        self._bridge.submit(self._load)

    def check(self, prompt: str) -> None:
        """Ask what is known of the recipe with this prompt; answered by ``preflight_changed``."""
        self._checks.ask(self._with_defaults(self._recipe), prompt)

    def check_candidate(self, recipe: Recipe) -> None:
        """Ask what is known of a recipe that is not, or not yet, the one in the window."""
        self._candidates.ask(self._with_defaults(recipe), self.prompt)

    def cancel_load(self) -> None:
        """Give up the load that is under way."""
        if self._load:
            self._load.cancellation.request()

    def set_settings(self, settings: Settings) -> None:
        """Take new preferences; models are loaded again where device or dtype changed."""
        before, self.settings = self.settings, settings
        self.settings_changed.emit()
        if (before.device, before.dtype) != (settings.device, settings.dtype):
            self.load()

    def _with_defaults(self, recipe: Recipe) -> Recipe:
        for place, spec in enumerate(recipe.checkpoints()):
            device = self.settings.device if spec.device == "auto" else spec.device
            dtype = self.settings.dtype if spec.dtype == "auto" else spec.dtype
            recipe = recipe.with_role(place, replace(spec, device=device, dtype=dtype))
        return recipe

    def _set_load_state(self, state: LoadState) -> None:
        self.load_state = state
        self.load_changed.emit()

    # Runs

    @property
    def running(self) -> bool:
        """Whether a run is on."""
        return self.run is not None and self.run.active

    def generate(self, prompt: str) -> None:
        """Start a run; loads the recipe first where that is still to be done."""
        if self.running or self._engine_is_gone():
            return
        if not prompt:
            self.report(PromptError("The prompt is empty", next_step="Type some text to continue."))
            return
        if self._load is None and self._loaded is None:
            self.load()
        self.clear_problem()
        run = Run(next(self._ids), prompt, self._recipe, LiveAlphas(self._recipe.alphas))
        if self._loaded:
            run.labels = self._loaded.token_labels
        self.run = run
        self.select(None)
        self.run_changed.emit()
        self._bridge.submit(
            Generate(run.id, prompt, self._recipe.sampling, run.alphas, run.cancellation)
        )

    def stop(self) -> None:
        """Stop the run within one token; what has come stays."""
        if self.run and self.run.active:
            self.run.cancellation.request()

    def select(self, index: int | None) -> None:
        """Select a token of the run, for every view."""
        count = len(self.run.tokens) if self.run else 0
        if index is not None:
            index = min(max(index, 0), count - 1) if count else None
        if index != self.selected:
            self.selected = index
            self.selection_changed.emit()

    def move_selection(self, by: int) -> None:
        """Select the token ``by`` places further; without a selection, the first or the last."""
        if self.run and self.run.tokens:
            start = (
                (-1 if by > 0 else len(self.run.tokens)) if self.selected is None else self.selected
            )
            self.select(start + by)

    def select_flip(self, direction: int) -> None:
        """Select the next (1) or previous (−1) token whose first choice the pairs changed."""
        tokens = self.run.tokens if self.run else []
        flips = [token.index for token in tokens if token.attribution.flipped]
        if direction > 0:
            found = next((i for i in flips if self.selected is None or i > self.selected), None)
        else:
            found = next(
                (i for i in reversed(flips) if self.selected is None or i < self.selected), None
            )
        if found is not None:
            self.select(found)

    # Problems

    def report(self, error: TuneshiftError, details: str = "") -> None:
        """Show an error in the window."""
        self.problem = Problem(error, details)
        self.problem_changed.emit()

    def clear_problem(self) -> None:
        if self.problem:
            self.problem = None
            self.problem_changed.emit()

    # Events of the engine

    @Slot(list)
    def _receive(self, events: list[Event]) -> None:
        first_new = len(self.run.tokens) if self.run else 0
        for event in events:
            if isinstance(event, TokenDecoded):
                if self.run and event.id == self.run.id:
                    self.run.add(event)
            elif isinstance(event, EngineReady):
                self._on_ready(event)
            elif isinstance(event, Checked):
                self._on_checked(event)
            elif isinstance(event, EngineFailed):
                self._on_engine_failed(event)
            elif isinstance(event, Failed) and (question := self._checks.answered(event.id)):
                if event.error:
                    self._show_check(None, question.prompt, event.error)
            elif isinstance(event, Failed) and (asked := self._candidates.answered(event.id)):
                if event.error:
                    self.candidate_checked.emit(asked.recipe, event.error)
            elif self._load and event.id == self._load.id:
                self._on_load_event(event)
            elif self.run and event.id == self.run.id:
                self._announce_tokens(first_new)
                first_new = len(self.run.tokens)
                self._on_run_event(self.run, event)
        self._announce_tokens(first_new)

    def _announce_tokens(self, first_new: int) -> None:
        if self.run and len(self.run.tokens) > first_new:
            self.tokens_added.emit(first_new)

    def _on_ready(self, event: EngineReady) -> None:
        self.devices = event.devices
        self.torch_version = event.torch_version
        self._set_load_state(LoadState.LOADING if self._load else LoadState.UNLOADED)

    def _on_engine_failed(self, event: EngineFailed) -> None:
        """Nothing will be answered any more: what waits for an answer ends."""
        self._engine_problem = Problem(event.error, event.details)
        self._load = None
        if self.run and self.run.active:
            self._end_run(self.run, None)
        self._set_load_state(LoadState.FAILED)
        self.report(event.error, event.details)

    def _engine_is_gone(self) -> bool:
        """Whether there is no engine to ask; then says so."""
        if self._engine_problem:
            self.report(self._engine_problem.error, self._engine_problem.details)
        return self._engine_problem is not None

    def _on_checked(self, event: Checked) -> None:
        candidate = self._candidates.answered(event.id)
        if candidate:
            self.candidate_checked.emit(candidate.recipe, event.preflight)
            return
        question = self._checks.answered(event.id)
        if question:
            self._show_check(event.preflight, question.prompt)
        elif self._load and event.id == self._load.id:
            self._show_check(event.preflight, self._load.prompt)

    def _show_check(
        self, preflight: Preflight | None, prompt: str, problem: TuneshiftError | None = None
    ) -> None:
        self.preflight, self.checked_prompt, self.check_problem = preflight, prompt, problem
        self.preflight_changed.emit()

    def _knows(self, recipe: Recipe) -> bool:
        return self.preflight is not None and self.preflight.recipe == recipe

    def _on_load_event(self, event: Event) -> None:
        if isinstance(event, Loading):
            self.load_progress = {**self.load_progress, event.progress.role: event.progress}
            self.load_rate.note(event.progress, time.monotonic())
            self.load_changed.emit()
        elif isinstance(event, Loaded):
            self._load = None
            self._loaded = event
            self.roles_in_force = event.roles
            self.resident_bytes = event.resident_bytes
            if self.run and self.run.active:
                self.run.labels = event.token_labels
            self._set_load_state(LoadState.LOADED)
        elif isinstance(event, Failed):
            load, self._load = self._load, None
            if event.error and load and not self._knows(load.recipe):
                self._show_check(None, load.prompt, event.error)
            if self.run and self.run.active:  # it was waiting for this load
                self._end_run(self.run, None)
            self._set_load_state(LoadState.FAILED if event.error else LoadState.UNLOADED)
            if event.error:
                self.report(event.error, event.details)

    def _on_run_event(self, run: Run, event: Event) -> None:
        if isinstance(event, RunStarted):
            run.prompt_tokens = event.prompt_tokens
        elif isinstance(event, RunFinished):
            run.stats = event.stats
            self.resident_bytes = event.stats.resident_bytes
            self._end_run(run, event.finish_reason)
        elif isinstance(event, Failed) and run.active:  # else the load that it waited for failed
            self._end_run(run, None)
            if event.error:
                self.report(event.error, event.details)

    def _end_run(self, run: Run, reason: FinishReason | None) -> None:
        run.finish_reason = reason
        run.failed = reason is None
        self.run_changed.emit()


def _what_loads(recipe: Recipe) -> tuple[list[CheckpointSpec], int, tuple[int, ...]]:
    """What models are loaded for; recipes that agree in this need no new load."""
    return recipe.checkpoints(), recipe.context, recipe.accepted_ids
