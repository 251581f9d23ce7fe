"""The check of an opened recipe before its weights are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.checkpoints.conversation import RunPrompt
from app.checkpoints.memory.demand import KEPT_ROWS
from app.checkpoints.memory.estimate import estimate_memory
from app.checkpoints.opening import OpenedRecipe
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.prompts import preview_prompts
from app.checkpoints.vocabulary.compare import compare_vocabularies
from app.checkpoints.vocabulary.kept_shares import KeptShares
from app.checkpoints.warnings import warnings


def preflight(
    opened: OpenedRecipe,
    prompt: RunPrompt = "",
    about_to_be_freed: Mapping[str, int] | None = None,
    kept_rows: int = KEPT_ROWS,
    prefix_bytes: int = 0,
    cancelled: Callable[[], bool] = lambda: False,
    shares: KeptShares | None = None,
) -> Preflight:
    """Compare vocabularies, estimate memory, and encode the prompt of every role.

    Args:
        opened: The opened recipe.
        prompt: The prompt; if it is empty, the sample prompt of the recipe.
        about_to_be_freed: Bytes that unloading the current models will free, for each device.
        kept_rows: Bound of the rows that are kept for inspection, in bytes.
        prefix_bytes: Bound of the KV caches of earlier texts, in bytes.
        cancelled: Asked again and again while chat templates are rendered.
        shares: What earlier checks found of pairs of another vocabulary.

    Raises:
        Cancelled: When ``cancelled`` says so.
    """
    vocabulary = compare_vocabularies(opened, shares)
    prompt = prompt or opened.recipe.sample_prompt
    memory = estimate_memory(opened, about_to_be_freed or {}, kept_rows, prefix_bytes)
    return Preflight(
        recipe=opened.recipe,
        vocabulary=vocabulary,
        memory=memory,
        prompts=preview_prompts(opened, prompt, cancelled),
        warnings=tuple(warnings(opened, vocabulary, memory, prompt)),
    )
