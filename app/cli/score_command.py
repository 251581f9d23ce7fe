"""``tuneshift score``: what the models make of given tokens, those of a prompt or of a text."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from app.atomic_files import write_file
from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.requantized import WEIGHTS, as_stored, in_force, requantized
from app.checkpoints.spec import Recipe
from app.cli.generate_command import prompt_of, recipe_of
from app.cli.interrupting import call_on_interrupt
from app.cli.output import write_stdout
from app.cli.progress_line import ProgressLine
from app.cli.score_report import ScoredText, prompt_report, text_report
from app.cli.scoring_engine import ScoringEngine
from app.cli.text_input import decode_text
from app.engine.controls import Cancellation
from app.errors import HistoryError, PromptError, RecipeError, SettingsError
from app.evaluation.run_comparison import first_other_token
from app.history.export.formats import check_format, file_bytes
from app.history.export.parquet_file import PARQUET
from app.wording import quoted

_STDOUT = "-"


def score(options: argparse.Namespace) -> int:
    """Run ``tuneshift score``; returns the exit status.

    Raises:
        TuneshiftError: The options, prompt, recipe or models are invalid.
    """
    text = _text(options)
    if options.against is not None and text is None:
        raise SettingsError(
            "--against needs a text to score", next_step="Give --text or --text-file."
        )
    if options.format == PARQUET and options.output is None and sys.stdout.isatty():
        raise HistoryError(
            "A Parquet file cannot be printed to a terminal", next_step="Give --output FILE."
        )
    check_format(options.format)
    recipe = recipe_of(options)
    other = None if options.against is None else _other(recipe, options.against)
    prompt = prompt_of(options, recipe)
    cancellation = Cancellation()
    line = ProgressLine(quiet=options.quiet)
    with call_on_interrupt(cancellation.request):
        engine = ScoringEngine(cancellation, line, options.proof)
        engine.load(recipe, prompt)
        stored: tuple[str, ...] = ()
        if options.against in WEIGHTS:  # which dtype “auto” is, is known now
            other = requantized(in_force(recipe, engine.roles), options.against)
            stored = as_stored(recipe)
        if text is None:
            content = prompt_report(options.format, prompt, engine.prompts(prompt), engine.label)
        else:
            tokens = engine.text(prompt, text)
            first = ScoredText(recipe.name or "recipe", recipe, tokens)
            second = None
            if other is not None:
                ids = tuple(token.token_id for token in tokens)
                known = {id_: engine.label(id_) for id_ in ids}
                engine.load(other, prompt)
                _check_vocabulary(known, engine.label)
                second = ScoredText(options.against, other, engine.text(prompt, "", ids))
            content = text_report(options.format, prompt, first, second, engine.label, stored)
    return _write(content, options.output)


def _text(options: argparse.Namespace) -> str | None:
    """The text to score; None for the prompt itself."""
    text: str | None = options.text
    if options.text_file is not None:
        text = _read(Path(options.text_file))
    if text == "":
        raise PromptError("The text to score is empty", next_step="Give some text.")
    return text


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PromptError(
            f"{path} cannot be read", evidence=error.strerror or str(error)
        ) from error
    return decode_text(content, str(path))


def _other(recipe: Recipe, against: str) -> Recipe:
    """The recipe to compare with: the same one in other weights, or another one."""
    return requantized(recipe, against) if against in WEIGHTS else find_recipe(against)


def _check_vocabulary(known: Mapping[int, str], label: Callable[[int], str]) -> None:
    """Refuse models for which token ids are other tokens.

    Args:
        known: The texts of the token ids under the first models.
        label: The text of a token id under the others.

    Raises:
        RecipeError: Some id is another token.
    """
    id_ = first_other_token(known, known.__getitem__, label)
    if id_ is not None:
        raise RecipeError(
            "The recipe to compare with has another vocabulary",
            evidence=f"token id {id_} is {quoted(known[id_])} in one, {quoted(label(id_))} in the "
            "other",
            next_step="Give --against a recipe of models with the same tokenizer.",
        )


def _write(content: str | bytes, output: str | None) -> int:
    if output in (None, _STDOUT):
        return write_stdout(content)
    path = Path(str(output))
    try:
        write_file(path, file_bytes(content))
    except OSError as error:
        raise HistoryError(
            f"{path} cannot be written",
            evidence=error.strerror or str(error),
            next_step="Choose another file.",
        ) from error
    return 0
