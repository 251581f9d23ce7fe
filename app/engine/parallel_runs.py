"""Runs that the engine decodes side by side: they begin, get tokens in turn, and end one by one."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from app.attribution.step_attribution import attribute_step
from app.checkpoints.devices import free_bytes, is_out_of_memory
from app.checkpoints.loading.cache_bytes import cache_bytes, tokens_that_fit
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.memory.heap import RowHoles
from app.decoding.decoded_text import DecodedText
from app.decoding.kv_cache import BLOCK
from app.decoding.side_by_side import SideBySide
from app.decoding.speculative import Speculator
from app.decoding.types import TokenStep
from app.engine.commands import Command, Generate, describe
from app.engine.events import Event, Failed, RunFinished, TokenDecoded
from app.engine.prepared_run import prepare_run, row_reducer
from app.engine.run_clock import RunClock
from app.errors import Cancelled

log = logging.getLogger(__name__)

Emit = Callable[[Event], None]

_LONG_PROMPT = 256
"""After a prompt of which so many tokens were read, the others get a token before the next."""
_EXPECTED_TOKENS = 1024
"""A run begins beside others only if there is memory for so many of its tokens, or all of them."""
_SHARE_OF_FREE = 0.5


@dataclass(slots=True, eq=False)
class _Run:
    """A run that waits or is decoded.

    Attributes:
        command: What is asked for.
        emit: Receives its events.
        on_end: Called after its last event.
        text: The text, once the prompt is encoded.
        clock: Measures it, from when it begins.
    """

    command: Generate
    emit: Emit
    on_end: Callable[[], None]
    text: DecodedText | None = None
    clock: RunClock = field(default_factory=RunClock)


class ParallelRuns:
    """The runs that are decoded side by side with the models of one load.

    A run begins when there is memory for its KV caches beside those of the others, on every device;
    one run can always begin. If memory becomes scarce, the newest run waits, and is read again
    later. If it runs out, half of the runs wait until one of the others has ended.

    Args:
        loaded: The models.
        speculator: Decodes a run alone.
        bound_prefixes: Bounds the memory of earlier texts; called before each run.
        failed: Makes the event of a run that failed, and releases what the error holds.
        release: Releases the memory that errors and earlier texts hold.
    """

    def __init__(
        self,
        loaded: LoadedRecipe,
        speculator: Speculator,
        bound_prefixes: Callable[[], None],
        failed: Callable[[Command, BaseException], Failed],
        release: Callable[[], None],
    ) -> None:
        self._loaded = loaded
        self._bound_prefixes = bound_prefixes
        self._failed = failed
        self._release = release
        self._side = SideBySide(loaded.ensemble, speculator, is_out_of_memory)
        self._most: int | None = None  # runs at once, after memory ran out
        self._waiting: deque[_Run] = deque()
        self._running: list[_Run] = []
        self._cache_bytes = cache_bytes(loaded)

    @property
    def busy(self) -> bool:
        """Whether there are runs."""
        return bool(self._waiting or self._running)

    def add(self, command: Generate, emit: Emit, on_end: Callable[[], None]) -> None:
        """Add a run, which begins in the next step if there is memory for it.

        Args:
            command: What is asked for.
            emit: Receives the events of the run.
            on_end: Called after its last event.
        """
        self._waiting.append(_Run(command, emit, on_end))

    @torch.inference_mode()
    def step(self) -> None:
        """Begin runs that wait, and decode the next token of every run."""
        self._end_cancelled()
        self._make_room()
        while self._waiting:
            run = self._waiting[0]
            if run.text is None and not self._prepare(run):
                self._waiting.popleft()
                continue
            if not self._fits(run):
                break
            self._waiting.popleft()
            self._begin(run)
            self._report()
            if self._put_back():
                break
            if _read_tokens(run) > _LONG_PROMPT:
                break
        self._side.step()
        self._report()
        self._put_back()

    @torch.inference_mode()
    def park(self) -> None:
        """Leave the KV caches of the ensemble to other commands until the next step."""
        self._side.park()
        self._report()
        self._put_back()

    def _prepare(self, run: _Run) -> bool:
        """Encode the prompt of a run and check its settings; an error ends it.

        Returns:
            Whether the run can begin.
        """
        try:
            run.text = self._encoded(run)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # libraries in Rust panic with one that is no Exception
            self._end(run, self._failed(run.command, error))
            return False
        return True

    def _begin(self, run: _Run) -> None:
        assert run.text is not None
        log.info("command %d: %s, beside others", run.command.id, describe(run.command))
        if not run.text.sampler.index:
            run.clock = RunClock()
        self._bound_prefixes()
        self._running.append(run)
        self._side.add(run.text)

    def _encoded(self, run: _Run) -> DecodedText:
        command, loaded = run.command, self._loaded
        prepared = prepare_run(loaded, command)
        prepared.ensemble.check_prompts(prepared.prompts)
        mask = loaded.structured_output.mask(prepared.config)
        run.emit(prepared.started)

        ensemble = prepared.ensemble
        holes = RowHoles(len(ensemble.models), ensemble.vocabulary_size)

        def on_step(step: TokenStep) -> None:
            explained = attribute_step(step)
            told = step.without_combined() if command.keep_rows else step.without_rows()
            run.emit(TokenDecoded(command.id, told, explained))
            run.clock.tick()
            holes.add_token()

        return DecodedText(
            prepared.prompts,
            prepared.config,
            detokenizer=loaded.detokenizer(prepared.prompts[0]),
            eos_ids=loaded.eos_ids,
            alphas=command.alphas.get,
            cancelled=command.cancellation.requested,
            on_step=on_step,
            reducer=row_reducer(prepared.ensemble, keep_rows=command.keep_rows),
            fresh=command.fresh,
            mask=mask,
            schedule=prepared.schedule,
        )

    def _report(self) -> None:
        """Emit the ends of runs that have ended."""
        for run in [run for run in self._running if run.text is not None and run.text.ended]:
            assert run.text is not None
            self._running.remove(run)
            self._most = None
            text, command = run.text, run.command
            if text.error is not None:
                self._end(run, self._failed(command, text.error))
                continue
            assert text.finish_reason is not None
            captures = self._loaded.ensemble.capture_stats
            stats = run.clock.stats(None, None, captures, text.cached_tokens)
            self._end(run, RunFinished(command.id, text.finish_reason, stats))

    def _put_back(self) -> bool:
        """Let runs wait for which memory ran out; returns whether there were any."""
        displaced = self._side.take_displaced()
        if not displaced:
            return False
        gone = [run for run in self._running if run.text in displaced]
        log.warning("memory ran out with %d runs at once", len(self._running))
        self._most = max(1, len(self._running) // 2)
        self._running = [run for run in self._running if run not in gone]
        self._waiting.extendleft(reversed(gone))
        self._release()
        return True

    def _end_cancelled(self) -> None:
        """End waiting runs that were cancelled."""
        gone = [run for run in self._waiting if run.command.cancellation.requested()]
        for run in gone:
            self._waiting.remove(run)
            self._end(run, self._failed(run.command, Cancelled()))

    def _end(self, run: _Run, event: Event) -> None:
        run.text = None  # which may hold rows
        run.emit(event)
        run.on_end()

    def _fits(self, run: _Run) -> bool:
        """Whether there is memory for a run beside the others."""
        if not self._running:
            return True
        if self._most is not None and len(self._running) >= self._most:
            return False
        assert run.text is not None
        tokens = _length(run.text) + sum(map(_expected_growth, (run, *self._running)))
        return tokens <= tokens_that_fit(self._cache_bytes, free_bytes, _SHARE_OF_FREE)

    def _make_room(self) -> None:
        """Let the newest run wait if there is no memory for the caches to grow."""
        if len(self._running) < 2:
            return
        if tokens_that_fit(self._cache_bytes, free_bytes, 1.0) < len(self._running) * BLOCK:
            run = self._running.pop()
            assert run.text is not None
            self._side.suspend(run.text)
            self._waiting.appendleft(run)


def _length(text: DecodedText) -> int:
    return max(map(len, text.prompts)) + text.sampler.index


def _expected_growth(run: _Run) -> int:
    if run.text is None:
        return 0
    return max(0, min(run.text.limit, _EXPECTED_TOKENS) - run.text.sampler.index)


def _read_tokens(run: _Run) -> int:
    """How many tokens of the prompt of a run had to be read."""
    return 0 if run.text is None else len(run.text.prompts[0]) - run.text.cached_tokens
