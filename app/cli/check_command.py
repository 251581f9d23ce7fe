"""``tuneshift check``: what can be said of a recipe before its weights are read."""

from __future__ import annotations

import argparse
from dataclasses import replace

from app.checkpoints.preflight_report import Preflight
from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE, find_recipe
from app.checkpoints.spec import Recipe
from app.cli.check_report import check_as_json, check_as_text
from app.cli.progress_line import StatusLine
from app.cli.roles import on_device, recipe_of_roles
from app.errors import CheckpointError, NotDownloadedError, PromptError, RecipeError

_PROMPT = "Explain why the sky is blue."
"""For recipes that have no sample prompt, so that chat templates and templates are tried."""


def check(options: argparse.Namespace) -> int:
    """Carry out ``tuneshift check``; returns the exit status.

    Raises:
        VocabularyError: The vocabularies do not fit together; the report is printed before.
        PromptError: A role cannot read the prompt; the report is printed before.
        CheckpointError: A model of the Hub is not here, and was not to be fetched.
        TuneshiftError: For everything that can be wrong with the models and the recipe.
    """
    recipe = _recipe(options)
    if options.fetch:
        _fetch(recipe)
    found = _preflight(recipe, options.prompt or recipe.sample_prompt or _PROMPT)
    print(check_as_json(found) if options.json else check_as_text(found))
    _refuse(found)
    return 0


def _recipe(options: argparse.Namespace) -> Recipe:
    base, *others = options.models or [None]
    if base is None:
        recipe = find_recipe(options.recipe or DEFAULT_RECIPE)
    elif options.recipe is not None:
        raise RecipeError("A recipe and models exclude each other", next_step="Give one of them.")
    else:
        recipe = recipe_of_roles(base, others[::2], others[1::2])
    accepted = (*recipe.accepted_ids, *options.accept)
    return on_device(replace(recipe, accepted_ids=accepted), options.device, options.dtype)


def _fetch(recipe: Recipe) -> None:
    from app.checkpoints import hub

    status = StatusLine()
    for source in recipe.hub_sources():
        status.show(f"Fetching configuration and tokenizer of {source.removeprefix('hub:')} …")
        hub.fetch_metadata(hub.parse(source))
    status.clear()


def _preflight(recipe: Recipe, prompt: str) -> Preflight:
    status = StatusLine()
    status.show("Comparing …")
    try:
        from app.checkpoints.opening import open_recipe  # imports torch: seconds
        from app.checkpoints.preflight import preflight

        return preflight(open_recipe(recipe, weights_required=False), prompt)
    except NotDownloadedError as error:
        raise CheckpointError(
            error.cause, next_step=f"Add --fetch: a check needs a few MB. {error.next_step}"
        ) from error
    finally:
        status.clear()


def _refuse(found: Preflight) -> None:
    from app.checkpoints.vocabulary.compare import require_shared

    require_shared(found.vocabulary)
    for prompt in found.prompts:
        if prompt.problem:
            raise PromptError(f"The {prompt.role} cannot read the prompt", evidence=prompt.problem)
