"""Recipes as TOML files: finding, reading and writing them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import tomli_w

from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import GenerationConfig, check_alphas
from app.errors import RecipeError, SettingsError
from app.resources import resource

FORMAT = 1
DEFAULT_RECIPE = "demo"


def builtin_recipes() -> list[str]:
    """Names of the recipes that ship with the program, the default first."""
    names = sorted(path.stem for path in resource("recipes").glob("*.toml"))
    return sorted(names, key=lambda name: name != DEFAULT_RECIPE)


def find_recipe(name_or_file: str) -> Recipe:
    """The built-in recipe of that name, or the recipe in that file.

    Raises:
        RecipeError: When there is neither, or the file is not a recipe.
    """
    path = Path(name_or_file).expanduser()
    if name_or_file in builtin_recipes():
        path = resource("recipes", f"{name_or_file}.toml")
    elif not path.is_file():
        raise RecipeError(
            f"There is no recipe “{name_or_file}”",
            next_step=f"Name a file, or one of: {', '.join(builtin_recipes())}.",
        )
    return read_recipe(path)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file; relative folders are taken from where it lies.

    Raises:
        RecipeError: Says what is wrong with the file.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"The recipe {path.name} cannot be read", evidence=str(error)) from error
    try:
        return _recipe(table, path.parent)
    except (RecipeError, SettingsError) as error:
        detail = f"; {error.evidence}" if error.evidence else ""
        raise RecipeError(
            error.cause, evidence=f"in {path.name}{detail}", next_step=error.next_step
        ) from error


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write ``recipe`` as TOML that :func:`read_recipe` reads back unchanged."""
    table = {"format": FORMAT, **asdict(recipe)}
    table["pair"] = table.pop("pairs")
    text = tomli_w.dumps(table)
    if r"\r\n" not in text:  # which strings of several lines cannot hold
        text = tomli_w.dumps(table, multiline_strings=True)
    path.write_text(text, encoding="utf-8")


def _recipe(table: Mapping[str, Any], folder: Path) -> Recipe:
    known = {item.name for item in fields(Recipe)} - {"pairs"} | {"format", "pair"}
    _known(table, known, "the recipe")
    if table.get("format") != FORMAT:
        raise RecipeError(
            f"This recipe has format {table.get('format')}; this version reads format {FORMAT}"
        )
    pairs = _get(table, "pair", list, "the recipe")
    return Recipe(
        name=_get(table, "name", str, "the recipe"),
        base=_checkpoint(_get(table, "base", dict, "the recipe"), folder, "[base]"),
        pairs=tuple(_pair(pair, folder) for pair in pairs),
        sample_prompt=_get(table, "sample_prompt", str, "the recipe", ""),
        description=_get(table, "description", str, "the recipe", ""),
        context=_get(table, "context", int, "the recipe", 0),
        accepted_ids=_ids(table),
        download_bytes=_get(table, "download_bytes", int, "the recipe", 0),
        untested=_get(table, "untested", bool, "the recipe", False),
        sampling=_sampling(_get(table, "sampling", dict, "the recipe", {})),
    )


def _pair(table: Any, folder: Path) -> ExpertPair:
    if not isinstance(table, dict):
        raise RecipeError("Each expert pair must be a table [[pair]]")
    _known(table, {"name", "alpha", "expert", "antiexpert"}, "[[pair]]")
    alpha = _get(table, "alpha", (int, float), "[[pair]]", 1.0)
    check_alphas((alpha,), 1)
    return ExpertPair(
        name=_get(table, "name", str, "[[pair]]"),
        expert=_checkpoint(_get(table, "expert", dict, "[[pair]]"), folder, "expert"),
        antiexpert=_checkpoint(_get(table, "antiexpert", dict, "[[pair]]"), folder, "antiexpert"),
        alpha=float(alpha),
    )


def _checkpoint(table: Mapping[str, Any], folder: Path, where: str) -> CheckpointSpec:
    _known(table, {item.name for item in fields(CheckpointSpec)}, where)
    values: dict[str, Any] = {}
    for key in table:
        values[key] = _get(table, key, bool if key == "offload" else str, where)
    _get(table, "source", str, where)
    for key in ("source", "over"):
        kind, _, path = values.get(key, "").partition(":")
        if kind in ("folder", "gguf") or (kind == "adapter" and not path.startswith("hub:")):
            values[key] = f"{kind}:{folder / Path(path).expanduser()}"
    return CheckpointSpec(**values)


def _ids(table: Mapping[str, Any]) -> tuple[int, ...]:
    ids = _get(table, "accepted_ids", list, "the recipe", [])
    if not all(isinstance(item, int) and not isinstance(item, bool) for item in ids):
        raise RecipeError("Every one of the accepted ids must be a whole number")
    return tuple(ids)


def _sampling(table: Mapping[str, Any]) -> GenerationConfig:
    defaults = asdict(GenerationConfig())
    _known(table, set(defaults), "[sampling]")
    values: dict[str, Any] = {}
    for key in table:
        kind = (int, float) if isinstance(defaults[key], float) else type(defaults[key])
        values[key] = _get(table, key, list if kind is tuple else kind, "[sampling]")
    if "stop" in values:
        if not all(isinstance(item, str) for item in values["stop"]):
            raise RecipeError("Every stop string in [sampling] must be text in quotes")
        values["stop"] = tuple(values["stop"])
    return GenerationConfig(**values)


def _known(table: Mapping[str, Any], names: set[str], where: str) -> None:
    unknown = sorted(set(table) - names)
    if unknown:
        raise RecipeError(
            f"There is no setting “{unknown[0]}” in {where}",
            next_step=f"The settings there are: {', '.join(sorted(names))}.",
        )


_REQUIRED = object()


def _get(
    table: Mapping[str, Any], key: str, kind: Any, where: str, default: Any = _REQUIRED
) -> Any:
    value = table.get(key, default)
    if value is _REQUIRED:
        raise RecipeError(f"“{key}” is missing in {where}")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise RecipeError(f"“{key}” in {where} has a value of the wrong kind", evidence=repr(value))
    return value
