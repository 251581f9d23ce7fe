"""How to reproduce a run: recipe, settings, loaded models and versions, as stored text."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from app import __version__
from app.checkpoints.conversation import Conversation, RunPrompt, conversation_of
from app.checkpoints.proof.proof_report import proof_of
from app.checkpoints.recipes.recipe_file import recipe_of_text, recipe_text
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import GenerationConfig
from app.history.recipe_facts import RecipeFacts, facts_of, facts_of_json
from app.history.records import RunFigures

_LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "accelerate",
    "bitsandbytes",
    "peft",
    "gguf",
    "llama-cpp-python",
)
_LOCAL = ("folder", "gguf", "adapter")


@lru_cache(maxsize=1)
def _versions() -> Mapping[str, str]:
    found = {"tuneshift": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return {**found, "platform": platform.platform(), "processor": _processor()}


def versions() -> dict[str, str]:
    """Versions of Tuneshift, Python, the libraries and the operating system."""
    return dict(_versions())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def recipe_to_store(recipe: Recipe) -> str:
    """A recipe as TOML with absolute paths, independent of the working directory."""
    for place, spec in enumerate(recipe.checkpoints()):
        kept = CheckpointSpec(
            **{
                **{known.name: getattr(spec, known.name) for known in fields(spec)},
                "source": _absolute(spec.source),
                "over": _absolute(spec.over),
            }
        )
        recipe = recipe.with_role(place, kept)
    return recipe_text(recipe)


def recipe_from_store(text: str) -> Recipe:
    """Parse the text of :func:`recipe_to_store`.

    Raises:
        RecipeError: The text is not a recipe.
    """
    return recipe_of_text(text, "of this run", Path("/"))


@lru_cache(maxsize=256)
def facts_from_store(facts: str | None, recipe: str) -> RecipeFacts:
    """What lists show of the recipe of a stored run.

    Args:
        facts: The text of ``facts_json``; None for runs of older versions.
        recipe: The recipe of the run as TOML.

    Raises:
        RecipeError: The recipe is needed and cannot be read.
    """
    with suppress(ValueError, TypeError, LookupError):  # damaged: read the recipe
        if facts is not None:
            return facts_of_json(facts)
    return facts_of(recipe_from_store(recipe))


def _absolute(source: str) -> str:
    kind, separator, name = source.partition(":")
    if kind in _LOCAL and separator and not name.startswith("hub:"):
        return f"{kind}:{Path(name).expanduser().absolute()}"
    return source


def config_json(config: GenerationConfig) -> str:
    """Sampling settings as JSON."""
    return json.dumps(asdict(config), ensure_ascii=False)


def config_of(text: str) -> GenerationConfig:
    """Parse sampling settings; unknown fields, of newer versions, are ignored.

    Raises:
        SettingsError: A setting is out of range.
        ValueError: The text is not JSON.
    """
    values = _known(GenerationConfig, json.loads(text))
    bias = tuple((token_id, added) for token_id, added in values.get("logit_bias", ()))
    lists = {"stop": tuple(values.get("stop", ())), "logit_bias": bias}
    return GenerationConfig(**{**values, **lists})


def messages_json(prompt: RunPrompt) -> str | None:
    """The messages of a conversation as JSON; None for a text."""
    if isinstance(prompt, Conversation):
        return json.dumps(prompt.as_json(), ensure_ascii=False)
    return None


def conversation_from_store(text: str | None) -> Conversation | None:
    """Parse the messages of a conversation.

    Raises:
        PromptError: They are no messages.
        ValueError: The text is not JSON.
    """
    return None if text is None else conversation_of(json.loads(text))


def roles_json(roles: tuple[RoleInForce, ...]) -> str:
    """The loaded roles as JSON."""
    return json.dumps([asdict(role) for role in roles], ensure_ascii=False)


def roles_of(text: str) -> tuple[RoleInForce, ...]:
    """Parse loaded roles."""
    return tuple(map(_role, json.loads(text)))


def _role(table: dict[str, Any]) -> RoleInForce:
    found = RoleInForce(**{**_known(RoleInForce, table), "proof": None})
    with suppress(ValueError):  # a proof of another version is left out
        if table.get("proof") is not None:
            return replace(found, proof=proof_of(table["proof"]))
    return found


def figures_json(figures: RunFigures | None) -> str | None:
    """The timing figures of a run as JSON."""
    return None if figures is None else json.dumps(asdict(figures))


def figures_of(text: str | None) -> RunFigures | None:
    """Parse timing figures."""
    return None if text is None else RunFigures(**_known(RunFigures, json.loads(text)))


def bookmarks_json(bookmarks: frozenset[int]) -> str | None:
    """The indices of tokens with a bookmark for the database; None if there are none."""
    return json.dumps(sorted(bookmarks)) if bookmarks else None


def bookmarks_of(text: str | None) -> frozenset[int]:
    """The inverse of :func:`bookmarks_json`.

    Raises:
        ValueError: The text is damaged.
    """
    return frozenset(map(int, json.loads(text))) if text else frozenset()


def _known(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    names = {known.name for known in fields(kind)}
    return {name: value for name, value in values.items() if name in names}
