"""State of the window. Widgets communicate through the session, never with each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial

from PySide6.QtCore import Signal, Slot

from app.checkpoints.conversation import RunPrompt
from app.checkpoints.host_memory import main_memory, memory_limit
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.engine.commands import Check, Load, Unload
from app.engine.controls import Cancellation
from app.engine.events import Checked, EngineFailed, EngineReady, Event, Failed, Loaded, Loading
from app.engine.worker import EngineClient
from app.errors import TuneshiftError
from app.server.server_events import ServedModel
from app.settings import Settings
from app.ui.bridge import Bridge
from app.ui.state.display import Display
from app.ui.state.engine_requests import Requests
from app.ui.state.memory_use import MemoryUse
from app.ui.state.models.api_switch import Serving
from app.ui.state.models.candidate_checks import CandidateChecks
from app.ui.state.models.checked_recipes import check_of, is_unfinished, was_checked, with_defaults
from app.ui.state.models.downloads import Downloads
from app.ui.state.models.kept_models import KeptModels
from app.ui.state.models.load_rate import LoadRate
from app.ui.state.models.local_models import LocalModels
from app.ui.state.models.recipe_checks import Checks
from app.ui.state.models.recipe_state import RecipeState
from app.ui.state.models.unloading import unloaded
from app.ui.state.problem import Problem
from app.ui.state.records.run_history import History
from app.ui.state.records.window_evaluations import Evaluations
from app.ui.state.runs.change_order import Changes
from app.ui.state.runs.chat import Chat
from app.ui.state.runs.runs import Runs
from app.ui.state.saved_files import SavedFiles
from app.ui.state.training.window_trainings import Trainings
from app.ui.state.writing_mode import WritingMode


class LoadState(StrEnum):
    """State of the recipe's models."""

    STARTING = "starting"  # torch is being imported
    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    UNFINISHED = "unfinished"  # no common vocabulary yet; nothing was loaded or released
    FAILED = "failed"


class Session(RecipeState):
    """The state of the window; the only object that changes it.

    Args:
        bridge: Connection to the engine.
        recipe: The first recipe.
        settings: Preferences, including default device and dtype.
    """

    prompt_changed = Signal()
    """``prompt`` changed."""
    load_changed = Signal()
    """``load_state`` or ``roles_in_force`` changed."""
    load_progressed = Signal()
    """``load_progress`` changed, and nothing else."""
    preflight_changed = Signal()
    """``preflight``, ``checked_prompt`` or ``check_problem`` changed."""
    candidate_checked = Signal(object, object)
    """A check of :meth:`check_candidate` ended: the recipe, and its ``Preflight`` or the error."""
    settings_changed = Signal()
    problem_changed = Signal()
    """``problem`` was set or cleared."""

    def __init__(self, bridge: Bridge, recipe: Recipe, settings: Settings) -> None:
        super().__init__(recipe)
        self._bridge = bridge
        self._requests = Requests(bridge.submit, self._handle_engine)
        self._engine_problem: Problem | None = None
        self._load: Load | None = None
        self._checks = Checks(self._requests, self._on_check_answered)
        self._candidates = CandidateChecks(self._requests, self.candidate_checked.emit)
        self._loaded: Loaded | None = None
        self._kept: KeptModels | None = None
        self._previous: Recipe | None = None
        self.settings = settings
        self.downloads = Downloads(self)
        self.local_models = LocalModels(lambda: self.settings.model_folder, self)
        self.prompt: RunPrompt = ""
        self.devices: tuple[str, ...] = ()
        self.memory_use = MemoryUse(self)
        self.machine_memory = main_memory(memory_limit())
        """Bytes of main memory and, once the engine is ready, of all accelerators."""
        self.torch_version = ""
        self.load_state = LoadState.STARTING
        self.load_progress: dict[str, LoadProgress] = {}
        self.load_rate = LoadRate()
        self.roles_in_force: tuple[RoleInForce, ...] = ()
        self.preflight: Preflight | None = None
        self.checked_prompt: RunPrompt = ""
        self.check_problem: TuneshiftError | None = None
        self.runs = Runs(self, self._requests, settings.row_bytes, self)
        self.runs.generation.drafts = settings.drafts
        self.selection = self.runs.selection
        self.changes = Changes(self.runs)
        self.chat = Chat(self.runs, self)
        self.mode = WritingMode(self, self.runs, self.chat, self)
        self.display = Display(self)
        self.saved = SavedFiles(self)
        self.history = History(self, self)
        self.serving = Serving(self, self)
        self.evaluations = Evaluations(self, self._requests, self)
        self.trainings = Trainings(self, self)
        for changed in (self.load_changed, self.recipe_changed, self.alphas_changed):
            changed.connect(self.serving.show_model)
        self.load_changed.connect(self.evaluations.follow_load)
        self.problem: Problem | None = None
        bridge.events.connect(self._receive)

    # Recipe and prompt

    @property
    def editable(self) -> bool:
        """Whether roles and pairs may change now; alphas and sampling may always change."""
        return not self.runs.running

    def set_prompt(self, prompt: RunPrompt) -> None:
        """Set the prompt."""
        if prompt != self.prompt:
            self.prompt = prompt
            self.prompt_changed.emit()

    def _set_recipe(self, recipe: Recipe) -> None:
        before, known = self.recipe, self.current_preflight
        loaded = None if self._lent else self._loaded
        self.runs.set_alphas(recipe.alphas)
        super()._set_recipe(recipe)
        if recipe.models != before.models:
            waits = self.load_state not in (LoadState.FAILED, LoadState.UNFINISHED)
            if loaded or (waits and self._previous is None):
                self._previous = before
            if loaded:
                self._kept = KeptModels(before, loaded, known)
            if not self._take_back():
                self.load()
        elif [alpha < 0 for alpha in recipe.alphas] != [alpha < 0 for alpha in before.alphas]:
            self.check(self.prompt)  # warnings of the check depend on the sign of α

    @property
    def previous(self) -> Recipe | None:
        """The recipe before the current one, if the current one failed to load."""
        failed = self.load_state is LoadState.FAILED
        return self._previous if failed and self._previous != self._recipe else None

    @property
    def unfinished(self) -> bool:
        """Whether the roles of the recipe do not go together yet, so that nothing can be run."""
        return self.load_state is LoadState.UNFINISHED

    @property
    def before_edit(self) -> Recipe | None:
        """The recipe whose models stay loaded while the current one is unfinished."""
        return self._kept.recipe if self.unfinished and self._kept else None

    # Loading

    def load(self, *, although_full: bool = False, fresh: bool = False) -> None:
        """Load the models of the recipe in use; cancels a load in progress.

        Args:
            although_full: Load even if the models do not fit by the estimate.
            fresh: Read the files again even if the models are in memory.
        """
        if self._engine_has_failed():
            return
        if self._load:
            self._load.cancellation.request()
            self._requests.forget(self._load.id)
        self.runs.stop()
        self.clear_problem()
        self._loaded, self.roles_in_force, self.load_progress = None, (), {}
        self.load_rate = LoadRate()
        self._load = Load(
            self._requests.new_id(),
            self._with_defaults(self.recipe_in_use),
            Cancellation(),
            although_full,
            fresh,
            self.prompt,
            ProofMode.KEPT if self.settings.prove_models else ProofMode.OFF,
            self.settings.row_bytes,
        )
        self._requests.load = self._load.id
        self._set_load_state(LoadState.LOADING if self.devices else LoadState.STARTING)
        self._show_check(self.preflight, self.checked_prompt)  # without a problem of other models
        self._requests.submit(self._load, partial(self._handle_load, self._load))

    def _take_back(self) -> bool:
        """Use the kept models if the recipe is theirs again and the engine still has them."""
        kept = self._kept
        if not (kept and self.unfinished and kept.are_of(self._with_defaults(self._recipe))):
            return False
        self._loaded, self._kept = kept.loaded, None
        self._requests.load = kept.loaded.id
        self.roles_in_force = kept.loaded.roles
        self._show_check(kept.preflight, self.checked_prompt)
        self._set_load_state(LoadState.LOADED)
        return True

    def check(self, prompt: RunPrompt) -> None:
        """Check the recipe with a prompt; ``preflight_changed`` announces the result."""
        self._checks.ask(self._with_defaults(self._recipe), prompt, self.settings.row_bytes)

    def check_candidate(self, recipe: Recipe) -> None:
        """Check another recipe than the session's; ``candidate_checked`` announces the result."""
        self._candidates.ask(self._with_defaults(recipe), self.prompt, self.settings.row_bytes)

    def cancel_load(self) -> None:
        """Cancel the load in progress."""
        if self._load:
            self._load.cancellation.request()

    def _release_run_memory(self) -> None:
        """Unload the models after a run ran out of memory; only Generate loads them again."""
        if self._load or self._loaded is None:
            return  # a load in progress has freed the memory already
        self.runs.stop()
        self._loaded, self.roles_in_force, self.load_progress = None, (), {}
        self._set_load_state(LoadState.UNLOADED)  # informs the server before the engine unloads
        self._bridge.submit(Unload(self._requests.new_id(), Cancellation()))
        if self.problem:
            self.report(unloaded(self.problem.error))

    def set_settings(self, settings: Settings) -> None:
        """Apply new preferences; loads the models again if device or dtype changed."""
        before, self.settings = self.settings, settings
        self.runs.budget.set_bound(settings.row_bytes)
        self.runs.generation.drafts = settings.drafts
        self.settings_changed.emit()
        if (before.device, before.dtype) != (settings.device, settings.dtype):
            self.load()

    def _with_defaults(self, recipe: Recipe) -> Recipe:
        return with_defaults(recipe, self.settings)

    def _set_load_state(self, state: LoadState) -> None:
        self.load_state = state
        self.memory_use.follow(self._in_memory is not None)
        self.load_changed.emit()

    # Runs

    @property
    def token_labels(self) -> tuple[str, ...]:
        """Text of each token id; empty while no recipe is loaded."""
        return self._loaded.token_labels if self._loaded else ()

    @property
    def model(self) -> ServedModel | None:
        """The loaded models with the recipe in use; None if there are none."""
        if self.unfinished and self._kept:
            return ServedModel(self._kept.recipe, self._kept.loaded)
        loaded, recipe = self._loaded, self._recipe
        if loaded is None or loaded.recipe.models != self._with_defaults(recipe).models:
            return None
        return ServedModel(recipe, loaded)

    def open_client(self, wake: Callable[[], None]) -> EngineClient:
        """A client of the engine besides the window."""
        return self._bridge.new_client(wake)

    def prepare_run(self, lent: Recipe | None = None) -> bool:
        """Start loading the recipe, or ``lent``, unless it is loaded; False if it is unfinished."""
        self.lend(lent)
        if self._engine_has_failed() or self.unfinished:
            return False
        if self._load is None and self._loaded is None:
            self.load()
        self.clear_problem()
        return True

    @property
    def packed_bytes(self) -> int:
        """Bytes of packed copies of the loaded weights, which make decoding faster."""
        return self._in_memory.packed_bytes if self._in_memory else 0

    @property
    def _in_memory(self) -> Loaded | None:
        return self._kept.loaded if self.unfinished and self._kept else self._loaded

    # Problems

    def report(self, error: TuneshiftError, details: str = "") -> None:
        """Show an error in the window."""
        self.problem = Problem(error, details)
        self.problem_changed.emit()

    @property
    def last_error(self) -> str:
        """The current problem as text; empty if there is none."""
        return str(self.problem.error) if self.problem else ""

    def clear_problem(self) -> None:
        if self.problem:
            self.problem = None
            self.problem_changed.emit()

    @Slot(list)
    def _receive(self, events: list[Event]) -> None:
        self._requests.deliver(events)
        if any(isinstance(event, Failed) and event.ran_out for event in events):
            self._release_run_memory()

    def _handle_engine(self, event: EngineReady | EngineFailed) -> None:
        if isinstance(event, EngineReady):
            self._on_ready(event)
        else:
            self._on_engine_failed(event)

    def _on_ready(self, event: EngineReady) -> None:
        self.devices = event.devices
        self.machine_memory += event.accelerator_bytes
        self.memory_use.begin()
        self.torch_version = event.torch_version
        self._set_load_state(LoadState.LOADING if self._load else LoadState.UNLOADED)

    def _on_engine_failed(self, event: EngineFailed) -> None:
        """End everything that waits for an answer of the engine."""
        self.evaluations.abandon(event.error)
        self._engine_problem = Problem(event.error, event.details)
        self._load = None
        self.runs.abandon(event.error)
        self._candidates.abandon(event.error)
        self._set_load_state(LoadState.FAILED)
        self.report(event.error, event.details)

    def _engine_has_failed(self) -> bool:
        """Whether the engine has failed; reports the error if so."""
        if self._engine_problem:
            self.report(self._engine_problem.error, self._engine_problem.details)
        return self._engine_problem is not None

    def _on_check_answered(self, question: Check, event: Event) -> None:
        if isinstance(event, Checked):
            self._show_check(event.preflight, question.prompt)
        elif isinstance(event, Failed) and event.error:
            self._show_check(None, question.prompt, event.error)

    def _show_check(
        self, preflight: Preflight | None, prompt: RunPrompt, problem: TuneshiftError | None = None
    ) -> None:
        self.preflight, self.checked_prompt, self.check_problem = preflight, prompt, problem
        self.preflight_changed.emit()

    @property
    def current_preflight(self) -> Preflight | None:
        """The last check if it is of the models of the recipe, not of those before them."""
        return check_of(self.preflight, self._with_defaults(self._recipe))

    def _handle_load(self, load: Load, events: Sequence[Event]) -> None:
        for event in events:
            if load is self._load:
                self._on_load_event(load, event)
        if load is self._load and any(isinstance(event, Loading) for event in events):
            self.load_progressed.emit()

    def _on_load_event(self, load: Load, event: Event) -> None:
        if isinstance(event, Checked):
            self._show_check(event.preflight, load.prompt)
        elif isinstance(event, Loading):
            self.load_progress = {**self.load_progress, event.progress.role: event.progress}
            self.load_rate.note(event.progress, time.monotonic())
        elif isinstance(event, Loaded):
            self._requests.forget(load.id)
            self._load = None
            self._loaded, self._kept = event, None
            self.local_models.remember(event.recipe)
            self.roles_in_force = event.roles
            self.runs.name_tokens(event.token_labels)
            self._set_load_state(LoadState.LOADED)
        elif isinstance(event, Failed):
            self._requests.forget(load.id)
            self._load = None
            self._kept = self._kept and self._kept.unless_replaced(event.loaded)
            unfinished = is_unfinished(self.preflight, load.recipe, event.error)
            if event.error and not was_checked(self.preflight, load.recipe):
                self._show_check(None, load.prompt, event.error)
            self.runs.abandon(event.error)  # runs that waited for this load
            failed = LoadState.FAILED if event.error else LoadState.UNLOADED
            self._set_load_state(LoadState.UNFINISHED if unfinished else failed)
            if event.error and not unfinished:
                self.report(event.error, event.details)
