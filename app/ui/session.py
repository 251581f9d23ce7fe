"""The state of the window. Widgets talk to it, and never to each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.checkpoints.recipe_file import write_recipe
from app.checkpoints.report import Preflight
from app.checkpoints.spec import ExpertPair, Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.decoding.types import FinishReason, GenerationConfig
from app.engine.messages import (
    Cancellation,
    Check,
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


class Session(QObject):
    """The one place where the window's state changes.

    Args:
        bridge: The way to the engine.
        recipe: The recipe to start with.
        settings: Preferences; defaults for device and dtype.
    """

    recipe_changed = Signal()
    """The recipe changed in any way: roles, pairs, alphas or sampling."""
    load_changed = Signal()
    """``load_state``, ``load_progress`` or ``roles_in_force`` changed."""
    run_changed = Signal()
    """Another run began (``run`` is new and empty), or the run ended."""
    tokens_added = Signal(int)
    """Tokens came; the argument is the index of the first new one. At most once per frame."""
    selection_changed = Signal()
    """``selected`` changed."""
    preflight_changed = Signal()
    """``preflight`` changed: what is known of the recipe without its weights."""
    settings_changed = Signal()
    problem_changed = Signal()
    """``problem`` was set or cleared."""

    def __init__(self, bridge: Bridge, recipe: Recipe, settings: Settings) -> None:
        super().__init__()
        self._bridge = bridge
        self._ids = itertools.count(1)
        self._recipe = recipe
        self._reset_to = recipe
        self._load: Load | None = None
        self._check: Check | None = None
        self._loaded: Loaded | None = None
        self.settings = settings
        self.undo_stack = QUndoStack(self)
        self.devices: tuple[str, ...] = ()
        self.torch_version = ""
        self.load_state = LoadState.STARTING
        self.load_progress: dict[str, LoadProgress] = {}
        self.roles_in_force: tuple[RoleInForce, ...] = ()
        self.preflight: Preflight | None = None
        self.resident_bytes = 0
        self.run: Run | None = None
        self.selected: int | None = None
        self.problem: Problem | None = None
        bridge.events.connect(self._receive)

    # Recipe

    @property
    def recipe(self) -> Recipe:
        """The recipe as it stands in the window."""
        return self._recipe

    @property
    def editable(self) -> bool:
        """Whether roles and pairs may change; alphas and sampling always may."""
        return not self.running

    @property
    def edited(self) -> bool:
        """Whether the recipe differs from the one that was opened."""
        return self._recipe != self._reset_to

    @property
    def original_sampling(self) -> GenerationConfig:
        """The sampling settings of the recipe that was opened."""
        return self._reset_to.sampling

    def original_alpha(self, pair: int) -> float:
        """The weight of a pair in the recipe that was opened, or 1 for an added pair."""
        pairs = self._reset_to.pairs
        return pairs[pair].alpha if pair < len(pairs) else 1.0

    def open_recipe(self, recipe: Recipe) -> None:
        """Replace the recipe, load it, and take its alphas as what double-click resets to."""
        before, reset_before = self._recipe, self._reset_to

        def apply(opened: Recipe) -> None:
            self._reset_to = reset_before if opened is before else recipe
            self._apply(opened)

        self.undo_stack.push(_RecipeChange(f"open {recipe.name}", before, recipe, "", apply))

    def set_source(self, place: int, source: str) -> None:
        """Choose the checkpoint of the role at ``place`` of ``Recipe.roles``."""
        spec = replace(self._recipe.checkpoints()[place], source=source)
        self._change("choose checkpoint", self._recipe.with_role(place, spec))

    def set_alpha(self, pair: int, alpha: float) -> None:
        """Set the weight of a pair; a run that is on uses it from its next token."""
        alphas = list(self._recipe.alphas)
        if alphas[pair] == alpha:
            return
        alphas[pair] = alpha
        recipe = self._recipe.with_alphas(tuple(alphas))
        self._change("change α", recipe, merge=f"alpha {pair}")

    def reset_alpha(self, pair: int) -> None:
        """Set the weight of a pair to :meth:`original_alpha`."""
        self.set_alpha(pair, self.original_alpha(pair))

    def rename_pair(self, pair: int, name: str) -> None:
        """Name a pair."""
        pairs = list(self._recipe.pairs)
        pairs[pair] = replace(pairs[pair], name=name)
        self._change("rename pair", replace(self._recipe, pairs=tuple(pairs)))

    def add_pair(self) -> None:
        """Add a pair whose expert is its own anti-expert: it changes nothing until chosen."""
        neutral = self._recipe.pairs[-1].antiexpert
        pair = ExpertPair(f"Pair {len(self._recipe.pairs) + 1}", neutral, neutral)
        self._change("add pair", replace(self._recipe, pairs=(*self._recipe.pairs, pair)))

    def remove_pair(self, pair: int) -> None:
        """Remove a pair; a recipe keeps at least one."""
        pairs = self._recipe.pairs[:pair] + self._recipe.pairs[pair + 1 :]
        self._change("remove pair", replace(self._recipe, pairs=pairs))

    def set_sampling(self, sampling: GenerationConfig) -> None:
        """Set how the next run draws its tokens."""
        if sampling != self._recipe.sampling:
            recipe = replace(self._recipe, sampling=sampling)
            self._change("change sampling", recipe, merge="sampling")

    def save_recipe(self, path: Path, name: str) -> None:
        """Write the recipe as it stands under ``name``; it then counts as the opened one."""
        recipe = replace(self._recipe, name=name)
        write_recipe(recipe, path)
        self._recipe = self._reset_to = recipe
        self.recipe_changed.emit()

    def _change(self, text: str, recipe: Recipe, merge: str = "") -> None:
        self.undo_stack.push(_RecipeChange(text, self._recipe, recipe, merge, self._apply))

    def _apply(self, recipe: Recipe) -> None:
        before, self._recipe = self._recipe, recipe
        if self.run and self.run.active and len(recipe.pairs) == len(before.pairs):
            self.run.alphas.set(recipe.alphas)
        self.recipe_changed.emit()
        if recipe.checkpoints() != before.checkpoints():
            self.load()

    # Loading

    def load(self, *, although_full: bool = False) -> None:
        """Load the recipe's models; a load that is under way is given up.

        Args:
            although_full: Load although the estimate says that they do not fit.
        """
        if self._load:
            self._load.cancellation.request()
        self.stop()
        self.clear_problem()
        self._loaded = None
        self.roles_in_force = ()
        self.load_progress = {}
        self._load = Load(next(self._ids), self._with_defaults(), Cancellation(), although_full)
        self._set_load_state(LoadState.LOADING if self.devices else LoadState.STARTING)
        self._bridge.submit(self._load)

    def check(self, prompt: str) -> None:
        """Ask what is known of the recipe with this prompt; answered by ``preflight_changed``."""
        if self._check:
            self._check.cancellation.request()
        self._check = Check(next(self._ids), self._with_defaults(), prompt, Cancellation())
        self._bridge.submit(self._check)

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

    def _with_defaults(self) -> Recipe:
        recipe = self._recipe
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
        if self.running:
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
                self._set_load_state(LoadState.FAILED)
                self.report(event.error, event.details)
            elif self._check and event.id == self._check.id:
                self._on_check_failed(event)
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

    def _on_checked(self, event: Checked) -> None:
        asked = {command.id for command in (self._check, self._load) if command}
        if event.id in asked:
            self.preflight = event.preflight
            self.preflight_changed.emit()
        if self._check and event.id == self._check.id:
            self._check = None

    def _on_check_failed(self, event: Event) -> None:
        self._check = None
        if isinstance(event, Failed) and event.error:
            self.report(event.error, event.details)

    def _on_load_event(self, event: Event) -> None:
        if isinstance(event, Loading):
            self.load_progress = {**self.load_progress, event.progress.role: event.progress}
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
            self._load = None
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
        elif isinstance(event, Failed):
            self._end_run(run, None)
            if event.error:
                self.report(event.error, event.details)

    def _end_run(self, run: Run, reason: FinishReason | None) -> None:
        run.finish_reason = reason
        run.failed = reason is None
        self.run_changed.emit()


class _RecipeChange(QUndoCommand):
    """From one recipe to another; changes with the same ``merge`` in a row are undone as one."""

    def __init__(
        self, text: str, before: Recipe, after: Recipe, merge: str, apply: Callable[[Recipe], None]
    ) -> None:
        super().__init__(text)
        self._before = before
        self._after = after
        self._merge = merge
        self._apply = apply

    def redo(self) -> None:
        self._apply(self._after)

    def undo(self) -> None:
        self._apply(self._before)

    def id(self) -> int:
        return hash(self._merge) & 0x7FFFFFFF if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 — Qt's name
        if not isinstance(other, _RecipeChange) or other._merge != self._merge:
            return False
        self._after = other._after
        return True
