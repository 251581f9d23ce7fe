"""``tuneshift generate --prompts``: answers to a list of prompts, with a table of their tokens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from app.attribution.explained_token import ExplainedToken
from app.attribution.run_totals import TotalsSoFar
from app.checkpoints.conversation import RunPrompt, contents
from app.checkpoints.spec import Recipe
from app.cli.conflicting_options import refuse_together
from app.cli.interrupting import call_on_interrupt
from app.cli.output import write_stdout
from app.cli.progress_line import ProgressLine, progress_text
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Event, Failed, Loaded, Loading, TokenDecoded
from app.errors import TuneshiftError
from app.evaluation.prompt_list import read_prompts
from app.history.export.growing_table import GrowingTable, growing_table

_LOAD, _RUN = 1, 2
_OF_ONE_PROMPT = ("prompt", "messages", "again", "save", "json", "shifts")
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """An answer as a run of the table of tokens."""

    run_id: str
    recipe: Recipe
    tokens: list[ExplainedToken]
    skipped: frozenset[int]

    @property
    def pair_names(self) -> tuple[str, ...]:
        return tuple(pair.name for pair in self.recipe.pairs)

    @property
    def bookmarks(self) -> frozenset[int]:
        return frozenset()


@dataclass(slots=True)
class _Answers:
    """Receives the engine's events; holds the tokens of the prompt in progress, and totals."""

    line: ProgressLine
    tokens: list[ExplainedToken] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    loaded: bool = False
    error: TuneshiftError | None = None
    prompts: int = 0
    totals: TotalsSoFar = field(default_factory=TotalsSoFar)

    def receive(self, event: Event) -> None:
        if isinstance(event, Loading):
            self.line.show(progress_text(event.progress))
        elif isinstance(event, Loaded):
            self.loaded = True
        elif isinstance(event, TokenDecoded):
            self.tokens.append(ExplainedToken.of(event.step, event.attribution))
            if event.step.skipped:
                self.skipped.add(event.step.index)
        elif isinstance(event, Failed):
            self.error = event.error

    def take(self, recipe: Recipe) -> tuple[_Answer, TuneshiftError | None]:
        """The answer to the prompt in progress, which ends, and its error."""
        self.prompts += 1
        self.totals.add_tokens([token.attribution for token in self.tokens])
        answer = _Answer(str(self.prompts), recipe, self.tokens, frozenset(self.skipped))
        error = self.error
        self.tokens, self.skipped, self.error = [], set(), None
        return answer, error


def generate_many(options: argparse.Namespace, recipe: Recipe) -> int:
    """Generate for every prompt of a list; returns the exit status, 1 if a prompt failed.

    Ctrl+C ends the prompt in progress; what was generated is in the table and in the totals.

    Raises:
        TuneshiftError: The options, prompts, recipe or models are invalid, or the table cannot be
            written.
    """
    refuse_together(options, "prompts", _OF_ONE_PROMPT)
    prompts = read_prompts(options.prompts)
    name = options.token_table
    with nullcontext() if name is None else growing_table(Path(name)) as table:
        return _generate(options, recipe, prompts, table)


def _generate(
    options: argparse.Namespace,
    recipe: Recipe,
    prompts: list[RunPrompt],
    table: GrowingTable | None,
) -> int:
    answers = _Answers(ProgressLine(quiet=options.quiet))
    answers.line.show("Starting …")
    from app.engine.engine import Engine  # imports torch: seconds

    engine, cancellation = Engine(answers.receive), Cancellation()
    status = 0
    with call_on_interrupt(cancellation.request):
        engine.handle(Load(_LOAD, recipe, cancellation, proof=options.proof))
        answers.line.clear()
        if answers.error:
            raise answers.error
        if not answers.loaded:
            raise KeyboardInterrupt  # the load was cancelled
        if table:
            table.begin(_Answer("", recipe, [], frozenset()))
        for number, prompt in enumerate(prompts, 1):
            answers.line.show(f"Prompt {number:,} of {len(prompts):,} …")
            engine.handle(
                Generate(
                    _RUN,
                    prompt,
                    recipe.sampling,
                    LiveAlphas(recipe.alphas),
                    cancellation,
                    speculate=options.speculate,
                    keep_rows=False,
                )
            )
            answers.line.clear()
            answer, error = answers.take(recipe)
            if table:
                table.add(answer)  # first, so that what is printed is in the table
            if error is not None:
                print(f"tuneshift: Prompt {number:,}: {error}", file=sys.stderr)
                status = 1
            written = _print(number, prompt, answer.tokens)
            status = written or status
            if cancellation.requested():
                status = _INTERRUPTED
            if cancellation.requested() or (written and table is None):
                break  # what nobody reads is not generated
    if not options.quiet:
        print(f"tuneshift: {_totals(answers, recipe, len(prompts))}", file=sys.stderr)
    return status


def _print(number: int, prompt: RunPrompt, tokens: Iterable[ExplainedToken]) -> int:
    """Print a prompt with its answer; returns the exit status."""
    asked = contents(prompt)
    answer = "".join(token.text for token in tokens)
    return write_stdout(f"[{number}] {asked}{'' if asked[-1:].isspace() else ' '}→{answer}\n\n")


def _totals(answers: _Answers, recipe: Recipe, asked: int) -> str:
    done = f"{answers.prompts:,} of {asked:,} prompts, {answers.totals.tokens:,} tokens"
    found = answers.totals.totals()
    if found is None or not recipe.pairs:
        return done
    return (
        f"{done}; perplexity {found.perplexity_base:.2f} under the base, "
        f"{found.perplexity_tuned:.2f} after tuning; mean shift {found.mean_shift:+.3f} bits; "
        f"{found.flips:,} flips; mean KL {found.mean_kl:.3f} bits"
    )
