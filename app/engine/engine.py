"""The engine: carries out one command after another, synchronously. No threads and no Qt."""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import TypeGuard

import torch

from app.attribution.step_attribution import attribute_step, candidates_of
from app.checkpoints.devices import (
    accelerator_bytes,
    all_device_names,
    free_bytes,
    is_out_of_memory,
    out_of_memory,
)
from app.checkpoints.llama_devices import gpus_seen_by_a_child
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe, still_needed
from app.checkpoints.memory.estimate import does_not_fit
from app.checkpoints.memory.heap import RowHoles, forget_frames, release_memory
from app.checkpoints.opening import OpenedRecipe, bytes_to_convert, open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.text_coder import TextCoder
from app.checkpoints.vocabulary.compare import require_shared
from app.checkpoints.vocabulary.kept_shares import KeptShares
from app.decoding.decode import decode
from app.decoding.speculative import Speculator
from app.decoding.types import FinishReason
from app.decoding.what_if import what_if_tokens
from app.engine.commands import (
    AskWhatIf,
    BorrowModels,
    Check,
    Command,
    Generate,
    Load,
    Unload,
    describe,
)
from app.engine.controls import DEFAULT_PREFIX_BYTES
from app.engine.events import (
    BorrowFinished,
    BorrowProgress,
    Checked,
    EngineReady,
    Event,
    Failed,
    Loaded,
    Loading,
    RunFinished,
    TokenDecoded,
    WhatIfAnswered,
)
from app.engine.parallel_runs import ParallelRuns
from app.engine.prepared_run import prepare_run, row_reducer
from app.engine.run_clock import RunClock
from app.engine.served_run import ServedRecipe, connect_served
from app.errors import (
    Cancelled,
    DeviceError,
    RecipeError,
    TuneshiftError,
    kind_and_places,
    unknown_error,
)

log = logging.getLogger(__name__)

_LESS = (
    "Close other programs, shorten the prompt or the text, or choose smaller models or another "
    "device."
)


class Engine:
    """Owns the loaded models.

    Args:
        emit: Receives every event, in order, on the thread that calls :meth:`handle`.
        prefix_bytes: Returns the most bytes that the keys and values of earlier texts may take;
            called before each run.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        prefix_bytes: Callable[[], int] = lambda: DEFAULT_PREFIX_BYTES,
    ) -> None:
        self._emit = emit
        self._prefix_bytes = prefix_bytes
        self._loaded: LoadedRecipe | None = None
        self._served: ServedRecipe | None = None  # in its place
        self._load_id: int | None = None  # of the loaded models
        # By role, or None for the tuned distribution; their measurements are kept from run to run.
        self._speculators: dict[int | None, Speculator] = {}
        self._shares = KeptShares()

    def announce(self) -> None:
        """Emit that the engine is ready, with the usable devices."""
        devices = tuple(all_device_names(gpus_seen_by_a_child()))
        self._emit(EngineReady(devices, torch.__version__, accelerator_bytes()))

    def handle(self, command: Command, run_waiting: Callable[[], None] = lambda: None) -> None:
        """Carry out ``command``; results and errors are emitted as events.

        Args:
            command: The command.
            run_waiting: Called between two items of an interleaved job; it may call this method.
        """
        log.info("command %d: %s", command.id, describe(command))
        try:
            with torch.inference_mode():
                if isinstance(command, Load):
                    self._load(command)
                elif isinstance(command, Unload):
                    self.unload()
                elif isinstance(command, Check):
                    opened = open_recipe(
                        command.recipe,
                        weights_required=False,
                        cancelled=command.cancellation.requested,
                    )
                    self._check(command, opened)
                elif isinstance(command, AskWhatIf):
                    self._ask_what_if(command)
                elif isinstance(command, BorrowModels):
                    self._run_job(command, run_waiting if command.interleaved else lambda: None)
                else:
                    self._generate(command)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # libraries in Rust panic with one that is no Exception
            self._emit(self._failed(command, error))

    def _failed(self, command: Command, error: BaseException) -> Failed:
        """The event of a command that ended with ``error``, whose frames are released."""
        if isinstance(error, Cancelled):
            return Failed(command.id, None, loaded=self._load_id)
        if isinstance(error, TuneshiftError):
            # llama.cpp says in its own words that memory ran out, and an endpoint may mean its own.
            known = isinstance(error, DeviceError) and not isinstance(command, Load)
            ran_out = known and is_out_of_memory(error)
            forget_frames(error)
            if ran_out:
                self._release_run_memory()
            return Failed(command.id, error, ran_out=ran_out, loaded=self._load_id)
        if is_out_of_memory(error):
            forget_frames(error)
            action = "loading the models" if isinstance(command, Load) else "this run"
            explained = out_of_memory(action, self._device(), error=error, next_step=_LESS)
            self._release_run_memory()
            return Failed(command.id, explained, ran_out=True, loaded=self._load_id)
        log.error("a command failed\n%s", kind_and_places(error))
        details = "".join(traceback.format_exception(error))
        forget_frames(error)
        return Failed(command.id, unknown_error(error), details, loaded=self._load_id)

    def _release_run_memory(self) -> None:
        """Release the memory of a run; the models stay loaded."""
        if self._loaded is not None:
            self._loaded.ensemble.release_buffers()
        release_memory()

    def unload(self) -> None:
        """Release the loaded models."""
        self._loaded = self._served = None
        self._load_id = None
        self._speculators = {}
        release_memory()

    def _check(self, command: Load | Check, opened: OpenedRecipe) -> Preflight:
        held = Counter(self._loaded.held_bytes() if self._loaded else {})
        if self._loaded is not None:
            held.update(self._loaded.ensemble.buffer_bytes())
        found = preflight(
            opened,
            command.prompt,
            held,
            command.kept_rows,
            self._prefix_bytes(),
            command.cancellation.requested,
            self._shares,
        )
        self._emit(Checked(command.id, found))
        return found

    def _load(self, command: Load) -> None:
        """Load a recipe; the old one stays, and is used, until the new one passes its checks."""
        if command.recipe.base.tuned:
            self._connect(command)
            return
        if self._loaded is not None:
            self._loaded.ensemble.release_buffers()  # the load may need the memory
        if to_convert := bytes_to_convert(command.recipe):
            self._open_to_load(command, weights=False)  # refused before minutes of converting
            if to_convert > free_bytes("cpu"):
                self.unload()  # the conversion runs in another process, which needs the memory
        opened, found = self._open_to_load(command)
        # Weights that both recipes use stay; the others are released before anything is read.
        held = {} if command.fresh or not self._loaded else still_needed(self._loaded, opened)
        self.unload()
        self._loaded = load_recipe(
            opened,
            found.vocabulary.masked_ids,
            lambda progress: self._emit(Loading(command.id, progress)),
            command.cancellation.requested,
            held,
            found.memory.spare,
            command.proof,
            found.vocabulary.bridged,
        )
        self._load_id = command.id
        self._emit(
            Loaded(
                id=command.id,
                recipe=command.recipe,
                roles=self._loaded.roles,
                token_labels=tuple(self._loaded.token_labels()),
                packed_bytes=self._loaded.packed_bytes,
                context_length=self._loaded.context_length,
                coder=TextCoder(*self._loaded.formats[0]),
                aligners=self._loaded.text_aligners(),
            )
        )

    def _connect(self, command: Load) -> None:
        """Use a server that tunes its base in place of models here."""
        opened, _ = self._open_to_load(command, weights=False)
        served = connect_served(opened, command)
        self.unload()
        self._served, self._load_id = served, command.id
        self._emit(served.loaded(command))

    def _open_to_load(
        self, command: Load, *, weights: bool = True
    ) -> tuple[OpenedRecipe, Preflight]:
        """Open a recipe and check it; raises the error that a failed check stands for."""
        opened = open_recipe(
            command.recipe,
            weights_required=weights,
            on_progress=lambda progress: self._emit(Loading(command.id, progress)),
            cancelled=command.cancellation.requested,
        )
        found = self._check(command, opened)
        require_shared(found.vocabulary)
        if command.cancellation.requested():
            raise Cancelled
        if not (found.memory.fits or command.although_full):
            raise does_not_fit(found.memory)
        return opened, found

    def _generate(self, command: Generate) -> None:
        if command.cancellation.requested() and not self._has(command.load):
            raise Cancelled  # it waited for a load that was cancelled
        if self._served is not None and self._has(command.load):
            for event in self._served.events(command):
                self._emit(event)
            return
        loaded = self._loaded_recipe(command.load)
        run = prepare_run(loaded, command)
        mask = loaded.structured_output.mask(run.config)  # invalid structures fail before the run
        ensemble, remote = run.ensemble, run.ensemble.remote
        if remote is not None:
            remote.begin_run(command.cancellation.requested)
        self._emit(run.started)
        self._bound_prefixes(loaded)
        clock, holes = RunClock(), RowHoles(len(ensemble.models), ensemble.vocabulary_size)
        skipping = run.skipping()
        drafting = command.speculate and skipping is None
        speculator = self._speculator(command.role) if drafting else None
        steps = decode(
            ensemble,
            run.prompts,
            run.config,
            detokenizer=loaded.detokenizer(run.prompts[0]),
            eos_ids=loaded.eos_ids,
            alphas=command.alphas.get,
            cancelled=command.cancellation.requested,
            prefix=run.prefix,
            speculator=speculator,
            fresh=command.fresh,
            reducer=row_reducer(ensemble, keep_rows=command.keep_rows),
            mask=mask,
            schedule=run.schedule,
            skipping=skipping,
        )
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                reason: FinishReason = end.value
                break
            explained = attribute_step(step, partial=remote is not None)
            found = candidates_of(step) if command.candidates else None
            told = step.without_combined() if command.keep_rows else step.without_rows()
            self._emit(TokenDecoded(command.id, told, explained, found))
            clock.tick()
            holes.add_token()
        drafts = speculator.stats if speculator else None
        endpoint_usage = remote.usage() if remote else None
        cached = min(ensemble.reused[0], len(run.prompts[0]))
        skipped = skipping.counts if skipping else None
        stats = clock.stats(drafts, endpoint_usage, ensemble.capture_stats, cached, skipped)
        self._emit(RunFinished(command.id, reason, stats))

    def runs_side_by_side(self, command: Command) -> TypeGuard[Generate]:
        """Whether a command is a run that is decoded beside others."""
        if not isinstance(command, Generate) or not command.beside or self._loaded is None:
            return False
        alone = command.echo or command.forced or command.kept or command.text
        whole = command.role is None and self._has(command.load) and command.speculate
        return whole and not alone and self._loaded.ensemble.remote is None

    def parallel_runs(self) -> ParallelRuns:
        """Begin to decode runs side by side with the loaded models.

        Its methods have to be called on the same thread as :meth:`handle`, which may carry out
        other commands, except loads, while its runs are parked.
        """
        loaded = self._loaded_recipe(None)
        return ParallelRuns(
            loaded,
            self._speculator(None),
            lambda: self._bound_prefixes(loaded),
            self._failed,
            self._release_run_memory,
        )

    def _speculator(self, role: int | None) -> Speculator:
        return self._speculators.setdefault(role, Speculator())

    def _bound_prefixes(self, loaded: LoadedRecipe) -> None:
        """Let earlier texts have at most half of the memory that is free without them."""
        prefixes = loaded.ensemble.prefixes
        held = prefixes.size_on()
        devices = {role.device for role in loaded.roles if role.parameters}
        free = [free_bytes(device) + held.get(device, 0) for device in devices]
        prefixes.limit = min([self._prefix_bytes(), *(size // 2 for size in free)])

    def _ask_what_if(self, command: AskWhatIf) -> None:
        cancelled = command.cancellation.requested
        loaded = self._loaded_recipe(command.load)
        found = what_if_tokens(
            command.steps,
            command.token_ids,
            loaded.encode(command.prompt, cancelled)[0],
            command.config,
            command.alphas,
            cancelled,
            loaded.structured_output.mask(command.config),
        )
        self._emit(WhatIfAnswered(command.id, tuple(found)))

    def _run_job(self, command: BorrowModels, run_waiting: Callable[[], None]) -> None:
        loaded = self._loaded_recipe(command.load)
        loaded.ensemble.release_buffers()  # the job may need the memory
        with closing(command.job(loaded)) as items:
            for item in items:
                self._emit(BorrowProgress(command.id, item))
                run_waiting()
                if command.cancellation.requested():
                    raise Cancelled
        self._emit(BorrowFinished(command.id))

    def _has(self, load: int | None) -> bool:
        """Whether the models of a load are those in memory; of any load if it is None."""
        return (self._loaded or self._served) is not None and load in (None, self._load_id)

    def _loaded_recipe(self, load: int | None) -> LoadedRecipe:
        if self._served is not None:
            raise RecipeError(
                "The models are on a server that tunes",
                evidence="this needs the models or all their logits here",
                next_step="Load the recipe with a base on this machine.",
            )
        if self._loaded is None or not self._has(load):
            raise RecipeError("No recipe is loaded", next_step="Load a recipe first.")
        return self._loaded

    def _device(self) -> str:
        return self._loaded.roles[0].device if self._loaded else "cpu"
