"""``tuneshift generate``: streams a tuned generation to the terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from app.checkpoints.conversation import (
    SYSTEM,
    Conversation,
    Message,
    RunPrompt,
    check_answerable,
)
from app.checkpoints.spec import Recipe
from app.checkpoints.status import proof_warnings
from app.cli.chosen_sampling import sampling_of
from app.cli.conflicting_options import refuse_together
from app.cli.generation_report import coverage_warning, json_report, shifts_table
from app.cli.interrupting import call_on_interrupt
from app.cli.messages_file import read_messages
from app.cli.output import write_stdout
from app.cli.progress_line import ProgressLine, progress_text
from app.cli.prompt_formats import with_prompt_format, with_system
from app.cli.prompts_command import generate_many
from app.cli.repeated_run import find_repeated_run
from app.cli.roles import chosen_recipe
from app.cli.run_record import RunRecord
from app.cli.run_request import RunRequest
from app.cli.saving import RunSaver
from app.cli.text_input import piped_text, read_standard_input
from app.decoding.types import FinishReason
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Event, Failed, Loaded, Loading, RunFinished, RunStarted, TokenDecoded
from app.errors import PromptError, SettingsError, TuneshiftError
from app.history.records import NewRun, RunKind, new_run_id
from app.settings import history_file

_LOAD, _RUN = 1, 2
_OF_SAMPLING = ("top_k", "top_p", "min_p", "seed")
"""Options that change nothing where the argmax is taken."""


def generate(options: argparse.Namespace) -> int:
    """Run ``tuneshift generate``; returns the exit status.

    Raises:
        TuneshiftError: The options, prompt, recipe or models are invalid.
    """
    refuse_together(options, "json", ["shifts"])
    if options.greedy or options.temperature == 0:
        refuse_together(options, "greedy" if options.greedy else "temperature", _OF_SAMPLING)
    if options.prompts is not None:
        return generate_many(options, _recipe_with_sampling(options))
    if options.token_table is not None:
        raise SettingsError("--token-table needs --prompts", next_step="Give a list of prompts.")
    repeated = find_repeated_run(options) if options.again else None
    request = repeated.request(options) if repeated else _run_request(options)
    with _saved(request, options.save) as saving:
        output = _Output(stream=not options.json, quiet=options.quiet, saving=saving)
        _run(request, output)
        if options.json:
            run_id = saving.run_id if saving else None
            output.write(json_report(request, output.loaded, output.run, run_id) + "\n")
        elif options.shifts:
            output.write(f"\n{shifts_table(request.recipe, output.run)}\n")
        if output.run.skipped and not (options.json or options.quiet):
            print(f"tuneshift: {output.run.skipped}; no drafts", file=sys.stderr)
        if output.run.finish_reason is FinishReason.CONTEXT and not options.quiet:
            print(f"tuneshift: {_FULL}", file=sys.stderr)
        warnings = proof_warnings(output.loaded.roles if output.loaded else ())
        for warning in (*warnings, coverage_warning(request.recipe, output.run)):
            if warning and not options.quiet:
                print(f"tuneshift: {warning}", file=sys.stderr)
    if output.status:
        return output.status
    if output.run.finish_reason is FinishReason.CANCELLED:
        return 130
    token_ids = [token.step.token_id for token in output.run.tokens]
    roles = output.loaded.roles if output.loaded else ()
    return 0 if repeated is None or repeated.compare(token_ids, roles, request.drafts) else 1


_FULL = (
    "the context of the models is full before the token limit. Shorten the prompt, or choose "
    "models with a longer context."
)


class _Output:
    """Receives the engine's events: streams the text and collects data for the reports."""

    def __init__(self, *, stream: bool, quiet: bool, saving: RunSaver | None) -> None:
        self._stream = stream
        self._saving = saving
        self.status_line = ProgressLine(quiet=quiet)
        self.cancellation = Cancellation()
        self.loaded: Loaded | None = None
        self.run = RunRecord()
        self.error: TuneshiftError | None = None
        self.status = 0
        """The exit status if writing to standard output failed, otherwise 0."""

    @property
    def saves(self) -> bool:
        """Whether the run is stored, for which the rows of its tokens are needed."""
        return self._saving is not None

    def receive(self, event: Event) -> None:
        if self._saving:
            self._saving.receive(event)
        if isinstance(event, Loading):
            self.status_line.show(progress_text(event.progress))
        elif isinstance(event, Loaded):
            self.status_line.clear()
            self.loaded = event
        elif isinstance(event, RunStarted):
            self.run.prompt_tokens = event.prompt_tokens
        elif isinstance(event, TokenDecoded):
            self.run.tokens.append(replace(event, step=event.step.without_rows()))
            if self._stream:
                self.write(event.step.text)
        elif isinstance(event, RunFinished):
            self.run.finish_reason = event.finish_reason
            self.run.tokens_per_second = event.stats.tokens_per_second
            self.run.speculation = event.stats.speculation
            self.run.endpoint_usage = event.stats.endpoint_usage
            self.run.captures = event.stats.captures
            self.run.skipped = event.stats.skipped
            if self._stream:
                self.write("\n")
        elif isinstance(event, Failed):
            self.status_line.clear()
            self.error = event.error

    def write(self, text: str) -> None:
        """Write to standard output; cancel the run if that fails."""
        if not self.status:
            self.status = write_stdout(text)
            if self.status:
                self.cancellation.request()


def _run(request: RunRequest, output: _Output) -> None:
    output.status_line.show("Starting …")
    from app.engine.engine import Engine  # imports torch: seconds

    output.status_line.clear()
    cancellation = output.cancellation
    engine = Engine(output.receive)
    commands = (
        Load(_LOAD, request.recipe, cancellation, proof=request.proof),
        Generate(
            _RUN,
            request.prompt,
            request.config,
            request.alphas,
            cancellation,
            forced=request.given,
            role=request.role,
            speculate=request.drafts,
            past_turn=request.past_turn,
            keep_rows=output.saves,
        ),
    )
    with call_on_interrupt(cancellation.request):
        for command in commands:
            engine.handle(command)
            if output.error:
                raise output.error
            if output.loaded is None:
                raise KeyboardInterrupt  # the load was cancelled


@contextmanager
def _saved(request: RunRequest, save: bool) -> Iterator[RunSaver | None]:
    """Store the run in the history if ``save`` is True, and print its id to stderr."""
    if not save:
        yield None
        return
    role = request.role
    kind = RunKind.GENERATED if role is None else RunKind.ROLE
    run = NewRun(
        new_run_id(),
        request.prompt,
        request.recipe,
        request.config,
        kind,
        role,
        drafts=request.drafts,
    )
    saving = RunSaver(history_file(), run)
    try:
        yield saving
    finally:
        saving.close()
        for note in saving.problems:
            print(f"tuneshift: {note}", file=sys.stderr)
        print(f"run: {saving.run_id}", file=sys.stderr)


def _run_request(options: argparse.Namespace) -> RunRequest:
    recipe = _recipe_with_sampling(options)
    alphas = LiveAlphas(recipe.alphas)
    return RunRequest(
        prompt_of(options, recipe),
        recipe,
        recipe.sampling,
        alphas,
        drafts=options.speculate,
        proof=options.proof,
    )


def _recipe_with_sampling(options: argparse.Namespace) -> Recipe:
    recipe = recipe_of(options)
    return replace(recipe, sampling=sampling_of(options, recipe.sampling))


def prompt_of(options: argparse.Namespace, recipe: Recipe) -> RunPrompt:
    """The prompt or the conversation of the options, or else the recipe's sample prompt.

    Raises:
        PromptError: There is none, or it cannot be read.
    """
    if options.messages is not None:
        return _conversation(options)
    prompt: str | None = options.prompt
    if prompt == "-":
        prompt = read_standard_input()
    elif prompt is None:
        prompt = piped_text() or recipe.sample_prompt
    if not prompt:
        raise PromptError("The prompt is empty", next_step="Give a prompt.")
    return prompt


def _conversation(options: argparse.Namespace) -> Conversation:
    """The messages of a file, after the system prompt of the options."""
    if options.prompt is not None:
        raise PromptError("--messages cannot be combined with a prompt", next_step="Give one.")
    conversation = read_messages(options.messages)
    check_answerable(conversation)
    if options.system is None:
        return conversation
    if conversation.system:
        raise PromptError(
            "--system cannot be combined with a system message",
            evidence=f"{options.messages} has one",
            next_step="Leave one of them out.",
        )
    return Conversation((Message(SYSTEM, options.system), *conversation.messages))


def recipe_of(options: argparse.Namespace) -> Recipe:
    """The recipe with the models, placement, alphas and prompt format of the options."""
    recipe = with_prompt_format(chosen_recipe(options), options.prompt_format)
    if options.messages is None:
        recipe = with_system(recipe, options.system)
    return recipe
