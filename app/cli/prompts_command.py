"""``tuneshift generate --prompts``: answers to a list of prompts, with a table of their tokens."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

from app.atomic_files import write_file
from app.attribution.explained_token import ExplainedToken
from app.attribution.run_totals import totals_of_tokens
from app.checkpoints.conversation import RunPrompt, contents
from app.checkpoints.spec import Recipe
from app.cli.conflicting_options import refuse_together
from app.cli.interrupting import call_on_interrupt
from app.cli.output import write_stdout
from app.cli.progress_line import ProgressLine, progress_text
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Event, Failed, Loaded, Loading, TokenDecoded
from app.errors import HistoryError, SettingsError, TuneshiftError
from app.evaluation.prompt_list import read_prompts
from app.history.export.csv_file import write_tokens_csv
from app.history.export.formats import check_format, file_bytes
from app.history.export.parquet_file import PARQUET, write_parquet

_LOAD, _RUN = 1, 2
_OF_ONE_PROMPT = ("prompt", "messages", "again", "save", "json", "shifts")
_TABLES = (".csv", f".{PARQUET}")


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
    """Receives the engine's events; holds what is known of the prompt in progress."""

    line: ProgressLine
    tokens: list[ExplainedToken] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    loaded: bool = False
    error: TuneshiftError | None = None

    def begin(self) -> None:
        self.tokens, self.skipped, self.error = [], set(), None

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


def generate_many(options: argparse.Namespace, recipe: Recipe) -> int:
    """Generate for every prompt of a list; returns the exit status, 1 if a prompt failed.

    Ctrl+C ends the prompt in progress; what was generated is in the table and in the totals.

    Raises:
        TuneshiftError: The options, prompts, recipe or models are invalid.
    """
    refuse_together(options, "prompts", _OF_ONE_PROMPT)
    table = None if options.token_table is None else Path(options.token_table)
    if table is not None:
        if table.suffix.lower() not in _TABLES:
            raise SettingsError(
                f"{table.name} is no table", next_step=f"End its name with {' or '.join(_TABLES)}."
            )
        check_format(table.suffix.lower()[1:])
    prompts = read_prompts(options.prompts)
    answers = _Answers(ProgressLine(quiet=options.quiet))
    answers.line.show("Starting …")
    from app.engine.engine import Engine  # imports torch: seconds

    engine, cancellation = Engine(answers.receive), Cancellation()
    texts: list[_Answer] = []
    status = 0
    with call_on_interrupt(cancellation.request):
        engine.handle(Load(_LOAD, recipe, cancellation, proof=options.proof))
        answers.line.clear()
        if answers.error:
            raise answers.error
        if not answers.loaded:
            raise KeyboardInterrupt  # the load was cancelled
        for number, prompt in enumerate(prompts, 1):
            answers.begin()
            answers.line.show(f"Prompt {number:,} of {len(prompts):,} …")
            alphas = LiveAlphas(recipe.alphas)
            engine.handle(
                Generate(
                    _RUN,
                    prompt,
                    recipe.sampling,
                    alphas,
                    cancellation,
                    speculate=options.speculate,
                    keep_rows=False,
                )
            )
            answers.line.clear()
            texts.append(_Answer(str(number), recipe, answers.tokens, frozenset(answers.skipped)))
            status = _tell(number, prompt, texts[-1], answers.error) or status
            if cancellation.requested():
                status = 130
                break
    if not options.quiet:
        print(f"tuneshift: {_totals(texts, len(prompts))}", file=sys.stderr)
    if table is not None:
        _write(table, texts)
    return status


def _tell(number: int, prompt: RunPrompt, text: _Answer, error: TuneshiftError | None) -> int:
    """Print a prompt with its answer, or its error to stderr; returns the exit status."""
    asked = contents(prompt)
    if error is not None:
        print(f"tuneshift: Prompt {number:,}: {error}", file=sys.stderr)
    answer = "".join(token.text for token in text.tokens)
    written = write_stdout(f"[{number}] {asked}{'' if asked[-1:].isspace() else ' '}→{answer}\n\n")
    return written or (0 if error is None else 1)


def _totals(texts: list[_Answer], asked: int) -> str:
    tokens = [token for text in texts for token in text.tokens]
    done = f"{len(texts):,} of {asked:,} prompts, {len(tokens):,} tokens"
    found = totals_of_tokens([token.attribution for token in tokens])
    if found is None or not texts[0].recipe.pairs:
        return done
    return (
        f"{done}; perplexity {found.perplexity_base:.2f} under the base, "
        f"{found.perplexity_tuned:.2f} after tuning; mean shift {found.mean_shift:+.3f} bits; "
        f"{found.flips:,} flips; mean KL {found.mean_kl:.3f} bits"
    )


def _write(path: Path, texts: list[_Answer]) -> None:
    parquet = path.suffix.lower() == f".{PARQUET}"
    content = write_parquet(texts) if parquet else write_tokens_csv(texts)
    try:
        write_file(path, file_bytes(content))
    except OSError as error:
        raise HistoryError(
            f"{path} cannot be written",
            evidence=error.strerror or str(error),
            next_step="Choose another file.",
        ) from error
