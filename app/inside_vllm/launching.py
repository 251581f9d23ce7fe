"""The command that starts vLLM with a recipe, so that anybody can run the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.checkpoints.hub.ids import parse
from app.checkpoints.opening import open_recipe
from app.checkpoints.recipes.recipe_file import builtin_recipes, find_recipe
from app.checkpoints.spec import Recipe
from app.errors import RecipeError, SettingsError
from app.inside_vllm.additional_config import RECIPE
from app.inside_vllm.given_options import ADDITIONAL, PROCESSORS, GivenOptions, read_options
from app.inside_vllm.pair_loading import compare, require_constant_alphas, require_memory
from app.waiting_threads import waiting_variables

V2_VARIABLE = "VLLM_USE_V2_MODEL_RUNNER"
PROCESSES_VARIABLE = "VLLM_ENABLE_V1_MULTIPROCESSING"
"""With 0, a base on the CPUs is computed in the process of the engine's scheduler, which otherwise
spins on one of the cores while it waits. It has no effect on a server whose base is on GPUs."""
_PROCESSORS = {
    "0": "app.inside_vllm.v1_processor:ProxyTuning",
    "1": "app.inside_vllm.v2_processor:ProxyTuning",
}
_MIDDLEWARE = "app.inside_vllm.admission.Admission"
_DEFAULTS = {"--host": "127.0.0.1", "--logprobs-mode": "processed_logprobs"}


def serve_command(
    name: str, options: Sequence[str], environment: Mapping[str, str], *, runs_here: bool = False
) -> tuple[dict[str, str], list[str]]:
    """The variables and the command that start vLLM with a recipe.

    Args:
        name: A recipe file, or the name of a built-in recipe.
        options: Options of ``vllm serve``. They replace those of the base and our defaults;
            ``--additional-config`` and ``--logits-processors`` are merged with what the pairs need.
        environment: The variables of this process. They may choose the model runner, whether a
            base on the CPUs has a process of its own, and how threads wait for each other.
        runs_here: Whether the pairs must fit into the memory of this machine.

    Raises:
        TuneshiftError: The recipe is not valid, vLLM cannot run its base or read its pairs, or an
            option would replace what the pairs need.
    """
    recipe = find_recipe(name)
    given = read_options(options)
    _check_options(given)
    folder = _checked_base(recipe, runs_here)
    file = name if name in builtin_recipes() else str(Path(name).expanduser().resolve())
    runner = "1" if environment.get(V2_VARIABLE) == "1" else "0"
    chosen = [str(folder)]
    for option, value in (*_of_base(recipe).items(), *_DEFAULTS.items()):
        if option not in given.names:
            chosen += [option, value]
    processors = dict.fromkeys([_PROCESSORS[runner], *given.processors])  # ours once, and first
    chosen += [PROCESSORS, *processors, "--middleware", _MIDDLEWARE]
    chosen += [ADDITIONAL, json.dumps({RECIPE: file, **given.additional}), *given.others]
    variables = {V2_VARIABLE: runner, PROCESSES_VARIABLE: environment.get(PROCESSES_VARIABLE, "0")}
    return waiting_variables(environment) | variables, ["vllm", "serve", *chosen]


def _check_options(given: GivenOptions) -> None:
    """Refuse options that would contradict the recipe."""
    if RECIPE in given.additional:
        raise SettingsError(
            f"{ADDITIONAL} names a recipe",
            evidence=f"it is {given.additional[RECIPE]!r}",
            next_step="Leave it out, and name the recipe with --recipe.",
        )
    if "--revision" in given.names:
        raise SettingsError(
            "The recipe says which revision of the base is served",
            next_step="Leave --revision out, and write hub:OWNER/NAME@REVISION in the recipe.",
        )


def _checked_base(recipe: Recipe, runs_here: bool) -> Path:
    """The folder of the base, once everything was checked that the engine would refuse later."""
    base = recipe.base
    if base.is_endpoint or base.is_gguf or base.source.startswith("adapter:"):
        raise RecipeError(
            "vLLM cannot run the base of this recipe",
            evidence=f"it is {base.source}",
            next_step="Name a folder with safetensors or a model of the Hub.",
        )
    if base.quantization != "none":
        raise RecipeError(
            "vLLM does not quantize the base as the recipe says",
            evidence=f"it has quantization = “{base.quantization}”",
            next_step="Set it to none, and give vLLM an option of its own such as --quantization.",
        )
    if base.offload:
        raise RecipeError(
            "vLLM does not keep layers of the base in main memory as the recipe says",
            evidence="it has offload = true",
            next_step="Set it to false, and give vLLM its own option --cpu-offload-gb.",
        )
    require_constant_alphas(recipe)
    opened = open_recipe(recipe)
    compare(opened)
    if runs_here:
        require_memory(opened)
    return opened.roles[0].files.folder.resolve()


def _of_base(recipe: Recipe) -> dict[str, str]:
    """The options of the recipe's base."""
    found = {"--dtype": recipe.base.dtype}
    if recipe.base.source.startswith("hub:"):  # what is served is the folder that was checked
        found["--served-model-name"] = parse(recipe.base.source).repo
    if recipe.context:
        found["--max-model-len"] = str(recipe.context)
    return found
