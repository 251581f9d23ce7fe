"""The prompt format and the system prompt that a command line sets for all roles."""

from __future__ import annotations

from dataclasses import replace

from app.checkpoints.spec import CHAT, PERSONA_TEMPLATE, PLAIN, Recipe
from app.errors import RecipeError


def with_prompt_format(recipe: Recipe, prompt: str | None) -> Recipe:
    """The recipe with this prompt format in all roles; None leaves it as it is.

    Raises:
        RecipeError: It is not a prompt format.
    """
    if prompt is not None:
        for place, spec in enumerate(recipe.checkpoints()):
            recipe = recipe.with_role(place, replace(spec, prompt=prompt))
    return recipe


def with_chat_templates(recipe: Recipe) -> Recipe:
    """The recipe with the format ``chat`` for each role that has a chat template.

    Raises:
        TuneshiftError: A checkpoint cannot be opened.
    """
    from app.checkpoints.opening import open_recipe  # imports transformers: seconds

    for place, role in enumerate(open_recipe(recipe, weights_required=False).roles):
        if role.tokenizer.chat_template:
            recipe = recipe.with_role(place, replace(role.spec, prompt=CHAT))
    return recipe


def with_system(recipe: Recipe, system: str | None) -> Recipe:
    """The recipe with this system prompt in all roles; None leaves it as it is.

    A role with a plain format reads it before the prompt, with an empty line between them.

    Raises:
        RecipeError: The template of a role has no place for a system prompt.
    """
    if system is None:
        return recipe
    for place, (name, spec) in enumerate(recipe.roles()):
        if spec.prompt not in (PLAIN, CHAT) and "{system}" not in spec.prompt:
            raise RecipeError(
                f"The prompt template of the {name} has no place for a system prompt",
                evidence=f"it is “{spec.prompt}”",
                next_step="Put {system} into it, or use --prompt-format chat.",
            )
        prompt = PERSONA_TEMPLATE if spec.prompt == PLAIN and system else spec.prompt
        recipe = recipe.with_role(place, replace(spec, prompt=prompt, system=system))
    return recipe
