"""``tuneshift generate``: the main job without a window."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from app.checkpoints.spec import Recipe
from app.cli.report import json_report, shifts_table
from app.cli.roles import chosen_recipe
from app.cli.status_line import StatusLine
from app.decoding.speculation_stats import SpeculationStats
from app.decoding.types import FinishReason, GenerationConfig
from app.engine.messages import (
    Cancellation,
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
from app.errors import PromptError, RecipeError, TuneshiftError

_LOAD, _RUN = 1, 2


def generate(options: argparse.Namespace) -> int:
    """Carry out ``tuneshift generate``; returns the exit status.

    Raises:
        TuneshiftError: For everything that can be wrong with the input.
    """
    recipe = _recipe(options)
    prompt = _prompt(options.prompt, recipe)
    output = _Output(stream=not options.json)
    try:
        _run(recipe, prompt, output, options.speculate)
        if options.json:
            print(json_report(prompt, recipe, output.loaded, output.run))
        elif options.shifts:
            print(f"\n{shifts_table(recipe, output.run)}")
    except BrokenPipeError:  # whoever read our output has gone, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 130 if output.run.finish_reason is FinishReason.CANCELLED else 0


class RunRecord:
    """What a run told, for the reports at its end."""

    def __init__(self) -> None:
        self.prompt_tokens: tuple[int, ...] = ()
        self.tokens: list[TokenDecoded] = []
        self.finish_reason: FinishReason | None = None
        self.tokens_per_second: float | None = None
        self.speculation: SpeculationStats | None = None


class _Output:
    """Receives the engine's events: streams text, keeps what the reports need."""

    def __init__(self, *, stream: bool) -> None:
        self._stream = stream
        self._status = StatusLine()
        self.loaded: Loaded | None = None
        self.run = RunRecord()
        self.error: TuneshiftError | None = None

    def receive(self, event: Event) -> None:
        if isinstance(event, Loading):
            progress = event.progress
            share = progress.done / max(progress.total, 1)
            self._status.show(f"Loading the {progress.role}: {share:.0%}")
        elif isinstance(event, Loaded):
            self._status.clear()
            self.loaded = event
        elif isinstance(event, RunStarted):
            self.run.prompt_tokens = event.prompt_tokens
        elif isinstance(event, TokenDecoded):
            self.run.tokens.append(event)
            if self._stream:
                print(event.step.text, end="", flush=True)
        elif isinstance(event, RunFinished):
            self.run.finish_reason = event.finish_reason
            self.run.tokens_per_second = event.stats.tokens_per_second
            self.run.speculation = event.stats.speculation
            if self._stream:
                print()
        elif isinstance(event, Failed):
            self._status.clear()
            self.error = event.error


def _run(recipe: Recipe, prompt: str, output: _Output, speculate: bool) -> None:
    status = StatusLine()
    status.show("Starting …")
    from app.engine.engine import Engine  # imports torch: seconds

    status.clear()
    cancellation = Cancellation()
    engine = Engine(output.receive)
    commands = (
        Load(_LOAD, recipe, cancellation),
        Generate(
            _RUN,
            prompt,
            recipe.sampling,
            LiveAlphas(recipe.alphas),
            cancellation,
            speculate=speculate,
        ),
    )
    with _interrupt(cancellation.request):
        for command in commands:
            engine.handle(command)
            if output.error:
                raise output.error
            if output.loaded is None:
                raise KeyboardInterrupt  # the load was cancelled


@contextmanager
def _interrupt(request: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl+C end the generation within one token, so that its text is kept."""
    previous = signal.signal(signal.SIGINT, lambda number, frame: request())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _prompt(argument: str | None, recipe: Recipe) -> str:
    if argument == "-":
        return sys.stdin.read()
    prompt = recipe.sample_prompt if argument is None else argument
    if not prompt:
        raise PromptError("The prompt is empty", next_step="Give the text to continue.")
    return prompt


def _recipe(options: argparse.Namespace) -> Recipe:
    """The recipe that the options describe, with everything they change in it."""
    recipe = chosen_recipe(options)
    return replace(recipe, sampling=_sampling(options, recipe.sampling))


def _sampling(options: argparse.Namespace, defaults: GenerationConfig) -> GenerationConfig:
    names = (
        "max_new_tokens",
        "temperature",
        "top_k",
        "top_p",
        "min_p",
        "repetition_penalty",
        "seed",
    )
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.greedy:
        if given.get("temperature"):
            raise RecipeError("--greedy and --temperature exclude each other")
        given["temperature"] = 0.0
    if options.stop is not None:
        given["stop"] = tuple(options.stop)
    return replace(defaults, **given)
