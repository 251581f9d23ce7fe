"""The command that starts vLLM with a recipe, so that anybody can run the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.checkpoints.opening import open_recipe
from app.checkpoints.recipes.recipe_file import builtin_recipes, find_recipe
from app.checkpoints.spec import Recipe
from app.errors import RecipeError
from app.inside_vllm.configuration import RECIPE
from app.inside_vllm.pair_loading import compare

V2_VARIABLE = "VLLM_USE_V2_MODEL_RUNNER"
_PROCESSORS = {
    "0": "app.inside_vllm.v1_processor:ProxyTuning",
    "1": "app.inside_vllm.v2_processor:ProxyTuning",
}
_MIDDLEWARE = "app.inside_vllm.admission.Admission"
_DEFAULTS = {"--host": "127.0.0.1", "--logprobs-mode": "processed_logprobs"}


def serve_command(
    name: str, options: Sequence[str], environment: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The variables and the command that start vLLM with a recipe.

    Args:
        name: A recipe file, or the name of a built-in recipe.
        options: Options of ``vllm serve``, which come before those of the recipe.
        environment: The variables of this process, one of which may choose the model runner.

    Raises:
        TuneshiftError: The recipe is not valid, or vLLM cannot run its base or read its pairs.
    """
    recipe = find_recipe(name)
    _check(recipe)
    file = name if name in builtin_recipes() else str(Path(name).expanduser().resolve())
    runner = "1" if environment.get(V2_VARIABLE) == "1" else "0"
    given = {option.partition("=")[0] for option in options}
    chosen = [_model(recipe)]
    for option, value in (*_of_base(recipe).items(), *_DEFAULTS.items()):
        if option not in given:
            chosen += [option, value]
    chosen += ["--logits-processors", _PROCESSORS[runner], "--middleware", _MIDDLEWARE]
    chosen += ["--additional-config", json.dumps({RECIPE: file}), *options]
    return {V2_VARIABLE: runner}, ["vllm", "serve", *chosen]


def _check(recipe: Recipe) -> None:
    """Refuse what the engine would refuse after a minute, in its own process."""
    base = recipe.base
    if base.is_endpoint or base.is_gguf or base.source.startswith("adapter:"):
        raise RecipeError(
            "vLLM cannot run the base of this recipe",
            evidence=f"it is {base.source}",
            next_step="Name a folder with safetensors or a model of the Hub.",
        )
    compare(open_recipe(recipe))


def _model(recipe: Recipe) -> str:
    """The base as vLLM names it: a folder, or a model of the Hub."""
    source = recipe.base.source
    if source.startswith("hub:"):
        return source.removeprefix("hub:").partition("@")[0]
    return str(open_recipe(recipe).roles[0].files.folder.resolve())


def _of_base(recipe: Recipe) -> dict[str, str]:
    """The options of the recipe's base."""
    found = {"--dtype": recipe.base.dtype}
    _, _, revision = recipe.base.source.partition("@")
    if recipe.base.source.startswith("hub:") and revision:
        found["--revision"] = revision
    if recipe.context:
        found["--max-model-len"] = str(recipe.context)
    return found
