"""The engines that read models, transformers and llama.cpp, and their options in a recipe."""

from __future__ import annotations

from app.errors import RecipeError

TRANSFORMERS, LLAMA_CPP = "transformers", "llama.cpp"
ENGINES = ("auto", LLAMA_CPP, TRANSFORMERS)
DEFAULT_KV_CACHE = "f16"
KV_CACHE_TYPES = ("f32", DEFAULT_KV_CACHE, "q8_0")
"""Types of the KV cache of llama.cpp, by its own names."""
AS_MANY_AS_FIT, ALL = "auto", "all"


def check_engine_options(engine: str, gpu_layers: int | str, kv_cache: str) -> None:
    """Check the options of a role that belong to its engine.

    Raises:
        RecipeError: One of them has no such value.
    """
    if engine not in ENGINES:
        raise RecipeError(
            f"“{engine}” is not an engine", next_step=f"Use one of {', '.join(ENGINES)}."
        )
    if kv_cache not in KV_CACHE_TYPES:
        raise RecipeError(
            f"“{kv_cache}” is not a type of the KV cache",
            next_step=f"Use one of {', '.join(KV_CACHE_TYPES)}.",
        )
    number = isinstance(gpu_layers, int) and not isinstance(gpu_layers, bool) and gpu_layers >= 0
    if not number and gpu_layers not in (AS_MANY_AS_FIT, ALL):
        raise RecipeError(
            "The layers on the GPU must be a number, “auto” or “all”",
            evidence=f"it is {gpu_layers}",
        )
