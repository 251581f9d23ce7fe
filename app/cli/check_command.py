"""``tuneshift check``: checks a recipe before its weights are loaded."""

from __future__ import annotations

import argparse
from dataclasses import replace

from app.checkpoints.preflight_report import Preflight
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE, find_recipe
from app.checkpoints.recipes.recipe_of_models import recipe_of_roles
from app.checkpoints.spec import Recipe
from app.checkpoints.status import RoleInForce
from app.cli.check_report import check_as_json, check_as_text, proofs_as_text
from app.cli.output import print_line
from app.cli.progress_line import ProgressLine, progress_text
from app.cli.roles import with_placement
from app.engine.controls import DEFAULT_PREFIX_BYTES
from app.errors import (
    CheckpointError,
    NotDownloadedError,
    PromptError,
    RecipeError,
    SettingsError,
)

_PROMPT = "Explain why the sky is blue."
"""The prompt for recipes without a sample prompt, to test chat templates and templates."""


def check(options: argparse.Namespace) -> int:
    """Run ``tuneshift check``; returns the exit status.

    Raises:
        VocabularyError: The vocabularies differ; raised after the report is printed.
        PromptError: A role cannot encode the prompt; raised after the report is printed.
        ModelError: A model does not pass its proof; raised after the report is printed.
        CheckpointError: A Hub model is not downloaded and --fetch is not given.
        TuneshiftError: The recipe or a model is invalid.
    """
    recipe = _recipe(options)
    if options.parallel < 1:
        raise SettingsError(
            "--parallel must be at least 1", evidence=f"{options.parallel:,} was given"
        )
    if options.fetch:
        _fetch_metadata(recipe)
    found = _preflight(recipe, options.prompt or recipe.sample_prompt or _PROMPT)
    if not options.json:
        print_line(check_as_text(found, options.parallel))
    proved: list[RoleInForce] | None = None
    try:
        if options.prove:
            _require_usable(found)
            proved = _prove(recipe, found)
    finally:
        if options.json:
            print_line(check_as_json(found, proved, options.parallel))
    if proved and not options.json:
        print_line(proofs_as_text(proved))
    _require_usable(found)
    return 0


def _prove(recipe: Recipe, found: Preflight) -> list[RoleInForce]:
    """Load the models and prove them.

    Raises:
        TuneshiftError: They cannot be loaded, or one is refused.
    """
    from app.checkpoints.loading.loader import load_recipe
    from app.checkpoints.memory.estimate import does_not_fit
    from app.checkpoints.opening import open_recipe

    status = ProgressLine()
    if not found.memory.fits:
        raise does_not_fit(found.memory)
    try:
        loaded = load_recipe(
            open_recipe(recipe),
            found.vocabulary.masked_ids,
            lambda progress: status.show(progress_text(progress)),
            spare=found.memory.spare,
            proof=ProofMode.FRESH,
            bridged=found.vocabulary.bridged,
        )
    finally:
        status.clear()
    return list(loaded.roles)


def _recipe(options: argparse.Namespace) -> Recipe:
    base, *others = options.models or [None]
    if base is None:
        recipe = find_recipe(options.recipe or DEFAULT_RECIPE)
    elif options.recipe is not None:
        raise RecipeError("A recipe cannot be combined with models", next_step="Give one of them.")
    else:
        recipe = recipe_of_roles(base, others[::2], others[1::2])
    accepted = (*recipe.accepted_ids, *options.accept)
    return with_placement(replace(recipe, accepted_ids=accepted), options)


def _fetch_metadata(recipe: Recipe) -> None:
    from app.checkpoints import hub

    status = ProgressLine()
    for source in recipe.hub_sources():
        status.show(f"Fetching configuration and tokenizer of {source.removeprefix('hub:')} …")
        hub.fetch_metadata(hub.parse(source))
    status.clear()


def _preflight(recipe: Recipe, prompt: str) -> Preflight:
    status = ProgressLine()
    status.show("Checking …")
    try:
        from app.checkpoints.opening import open_recipe  # imports torch: seconds
        from app.checkpoints.preflight import preflight

        opened = open_recipe(recipe, weights_required=False)
        return preflight(opened, prompt, prefix_bytes=DEFAULT_PREFIX_BYTES)
    except NotDownloadedError as error:
        raise CheckpointError(
            error.cause, next_step=f"Add --fetch, which downloads a few MB. {error.next_step}"
        ) from error
    finally:
        status.clear()


def _require_usable(found: Preflight) -> None:
    from app.checkpoints.vocabulary.compare import require_shared

    require_shared(found.vocabulary)
    for prompt in found.prompts:
        if prompt.problem:
            raise PromptError(
                f"The {prompt.role} cannot encode the prompt", evidence=prompt.problem
            )
