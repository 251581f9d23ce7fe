"""The models that the API names: their ids, their entries in lists, and the one that is served."""

from __future__ import annotations

import re
from typing import Any

from app.checkpoints.spec import Recipe
from app.server.api_errors import ApiError
from app.server.request_queue import RequestQueue, not_loaded
from app.server.server_events import ServedModel

ANY_MODEL = "tuneshift"
"""A model name that always means the served recipe."""


def model_id(recipe: Recipe) -> str:
    """The model id of a recipe: its name in a–z, 0–9 and hyphens (``qwen2-5-7b-instructed``)."""
    return re.sub(r"[^a-z0-9]+", "-", recipe.name.lower()).strip("-") or ANY_MODEL


def describe(model: ServedModel) -> dict[str, Any]:
    """The entry of the served model in the response of ``/v1/models``."""
    recipe, length = model.recipe, model.loaded.context_length
    pairs = [{"name": pair.name, "alpha": pair.alpha} for pair in recipe.pairs]
    return {
        "id": model_id(recipe),
        "object": "model",
        "created": int(model.loaded.at),
        "owned_by": "tuneshift",
        "max_model_len": length,
        "context_length": length,
        "tuneshift": {"name": recipe.name, "pairs": pairs},
    }


def find_model(queue: RequestQueue, name: str) -> ServedModel:
    """The served model, if ``name`` means it.

    Raises:
        ApiError: ``name`` is another model, or no model is loaded.
    """
    model = queue.model
    if model is None:
        raise not_loaded()
    id_ = model_id(model.recipe)
    if name not in ("", ANY_MODEL, id_, model.recipe.name):
        raise ApiError(
            404,
            f"There is no such model; the served model is “{id_}”.",
            param="model",
            code="model_not_found",
        )
    return model
