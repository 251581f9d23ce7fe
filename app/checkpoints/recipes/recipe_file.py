"""Reader and writer of recipe files in TOML. docs/recipes.md describes the format."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import tomli_w

from app.atomic_files import write_file
from app.checkpoints.endpoint_address import KIND, address_of, is_endpoint
from app.checkpoints.recipes.recipe_table import Problem, Table
from app.checkpoints.spec import (
    BRIDGE,
    CheckpointSpec,
    ExpertPair,
    PromptFormat,
    Recipe,
    check_prompt_format,
    check_vocabulary,
)
from app.decoding.types import GenerationConfig, check_alphas
from app.errors import RecipeError
from app.resources import resource

FORMAT = 1
DEFAULT_RECIPE = "demo"
_MOST_BYTES = 1_000_000


def builtin_recipes() -> list[str]:
    """Names of the built-in recipes, the default first."""
    names = sorted(path.stem for path in resource("recipes").glob("*.toml"))
    return sorted(names, key=lambda name: name != DEFAULT_RECIPE)


def find_recipe(name_or_file: str) -> Recipe:
    """Read a built-in recipe by its name, or a recipe file by its path.

    Raises:
        RecipeError: There is no such recipe or file, or the file is not a valid recipe.
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
    """Read a recipe file; relative paths in it are relative to its folder.

    Raises:
        RecipeError: The file is not a valid recipe; the error names the line.
    """
    return recipe_of_text(_read_text(path), path.name, path.parent)


def recipe_of_text(text: str, name: str, folder: Path) -> Recipe:
    """Parse a recipe.

    Args:
        text: The TOML text.
        name: The name of the recipe file in error messages.
        folder: The folder that relative paths start from.

    Raises:
        RecipeError: The text is not a valid recipe; the error names the line.
    """
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number that is too long
        raise _unreadable(name, _syntax_error(str(error), text)) from error
    try:
        return _recipe(content, folder)
    except Problem as problem:
        raise problem.located(RecipeError, name, text) from problem


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write ``recipe`` to a file that :func:`read_recipe` reads back unchanged.

    Raises:
        OSError: The file cannot be written; it is left unchanged.
    """
    write_file(path, recipe_text(recipe))


def recipe_text(recipe: Recipe) -> str:
    """``recipe`` as TOML that :func:`recipe_of_text` reads back unchanged."""
    table = {
        "format": FORMAT,
        **_without_defaults(recipe),
        **_seed_settings(recipe),
        **_format_of_recipe(recipe),
        "base": _base_table(recipe),
        "pair": [
            {
                "name": pair.name,
                "alpha": pair.alpha,
                **({"vocabulary": pair.vocabulary} if pair.vocabulary else {}),
                "expert": _role_table(pair.expert, recipe),
                "antiexpert": _role_table(pair.antiexpert, recipe),
            }
            for pair in recipe.pairs
        ],
        "sampling": _sampling_table(recipe),
    }
    text = tomli_w.dumps(table)
    if r"\r\n" not in text:  # multi-line strings cannot hold carriage returns
        text = tomli_w.dumps(table, multiline_strings=True)
    return text


def _format_of_recipe(recipe: Recipe) -> dict[str, str]:
    """The recipe's prompt format; without it in a file, it is that of the base."""
    if recipe.prompt_format == recipe.base.prompt_format == PromptFormat():
        return {}
    system = {"system": recipe.system} if recipe.system else {}
    return {"prompt": recipe.prompt, **system}


def _role_table(spec: CheckpointSpec, recipe: Recipe) -> dict[str, Any]:
    """The settings of a role that are not the defaults, nor the prompt format of the recipe."""
    own = {"prompt": (spec.prompt, recipe.prompt), "system": (spec.system, recipe.system)}
    return {
        **{name: value for name, value in _without_defaults(spec).items() if name not in own},
        **{name: mine for name, (mine, common) in own.items() if mine != common},
    }


def _base_table(recipe: Recipe) -> dict[str, Any]:
    base, table = recipe.base, _role_table(recipe.base, recipe)
    if base.is_endpoint:
        del table["source"]
        return {"endpoint": address_of(base.source).url, **table}
    return {key: value for key, value in table.items() if key not in _OF_ENDPOINTS}


def _without_defaults(item: Recipe | CheckpointSpec) -> dict[str, Any]:
    values = {known.name: (getattr(item, known.name), known.default) for known in fields(item)}
    return {
        name: value
        for name, (value, default) in values.items()
        if value != default and name not in ("pairs", "base", "sampling", "new_seeds")
    }


def _seed_settings(recipe: Recipe) -> dict[str, bool]:
    """``new_seeds`` where the presence of a seed in the file does not say it."""
    return {"new_seeds": True} if recipe.new_seeds and _has_seed(recipe) else {}


def _sampling_table(recipe: Recipe) -> dict[str, Any]:
    values = asdict(recipe.sampling)
    if not _has_seed(recipe):
        del values["seed"]
    for name in _RARE_SETTINGS:
        if values[name] == getattr(GenerationConfig(), name):
            del values[name]
    return values


def _has_seed(recipe: Recipe) -> bool:
    """Whether the file of a recipe has a seed."""
    return not recipe.new_seeds or recipe.sampling.seed != GenerationConfig().seed


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _unreadable(path.name, f"it has {path.stat().st_size:,} bytes")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path.name, str(error)) from error


def _unreadable(name: str, evidence: str) -> RecipeError:
    return RecipeError(f"The recipe {name} cannot be read", evidence=evidence)


def _syntax_error(message: str, text: str) -> str:
    """The message of the TOML parser, with the line number first as in all other errors."""
    what, _, where = message.rpartition(" (at ")
    line = re.match(r"line (\d+)", where)
    number = line[1] if line else text.count("\n") + 1
    return f"line {number}; {what}" if what else message


_RECIPE_KEYS = {known.name for known in fields(Recipe)} - {"pairs"} | {"format", "pair"}
_PAIR_KEYS = {known.name for known in fields(ExpertPair)}
_CHECKPOINT_KEYS = {known.name for known in fields(CheckpointSpec)}
_BASE_KEYS = _CHECKPOINT_KEYS | {"endpoint"}
_KEYS_IN_PAIR = _CHECKPOINT_KEYS - {"vocabulary"}
_RARE_SETTINGS = (
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "structure",
    "structure_text",
    "alpha_policy",
)
"""Sampling settings that a file has only if they are on."""
_KINDS = {"offload": bool, "top_logprobs": int, "tuned": bool}
_OF_ENDPOINTS = ("model", "top_logprobs", "tuned")


def _recipe(content: Mapping[str, Any], folder: Path) -> Recipe:
    _check_format(content)
    table = Table(content, (), "the recipe", _RECIPE_KEYS)
    common = _common_format(table)
    base = _checkpoint(table.inner("base", _BASE_KEYS), folder, common)
    shown = base.prompt_format if common is None else common
    sampling = table.inner("sampling", asdict(GenerationConfig()), {})
    pairs = table.get_list("pair", dict)
    if not pairs:
        table.fail("pair", "A recipe needs at least one expert pair", "Add a table [[pair]].")
    return Recipe(
        name=table.get("name", str),
        base=base,
        pairs=tuple(
            _pair(Table(pair, table.place("pair", place), "[[pair]]", _PAIR_KEYS), folder, common)
            for place, pair in enumerate(pairs)
        ),
        sample_prompt=table.get("sample_prompt", str, ""),
        example_prompts=tuple(table.get_list("example_prompts", str, [])),
        description=table.get("description", str, ""),
        context=_count(table, "context"),
        accepted_ids=_accepted_ids(table),
        download_bytes=_count(table, "download_bytes"),
        untested=table.get("untested", bool, False),
        sampling=_sampling(sampling),
        new_seeds=table.get("new_seeds", bool, "seed" not in sampling),
        prompt=shown.prompt,
        system=shown.system,
    )


def _common_format(table: Table) -> PromptFormat | None:
    """The prompt format of roles without one of their own; None if the file does not say."""
    if "prompt" not in table and "system" not in table:
        return None
    prompt = table.get("prompt", str, PromptFormat().prompt)
    with table.blaming("prompt"):
        check_prompt_format(prompt)
    return PromptFormat(prompt, table.get("system", str, ""))


def _check_format(content: Mapping[str, Any]) -> None:
    """Check the format version before anything else, since other formats have other settings."""
    found = content.get("format")
    if type(found) is not int or found != FORMAT:
        newer = type(found) is int and found > FORMAT
        error = RecipeError(
            f"This version reads recipes of format {FORMAT}",
            evidence="it does not say its format" if found is None else f"it has format {found}",
            next_step="Update Tuneshift." if newer else f"Begin the file with: format = {FORMAT}",
        )
        raise Problem(error, ("format",))


def _pair(table: Table, folder: Path, common: PromptFormat | None) -> ExpertPair:
    alpha = table.get("alpha", float, 1.0)
    with table.blaming("alpha"):
        check_alphas((alpha,), 1)
    vocabulary = table.get("vocabulary", str, "")
    with table.blaming("vocabulary"):
        check_vocabulary(vocabulary or BRIDGE)
    return ExpertPair(
        name=table.get("name", str),
        expert=_checkpoint(table.inner("expert", _KEYS_IN_PAIR), folder, common),
        antiexpert=_checkpoint(table.inner("antiexpert", _KEYS_IN_PAIR), folder, common),
        alpha=float(alpha),
        vocabulary=vocabulary,
    )


def _checkpoint(table: Table, folder: Path, common: PromptFormat | None) -> CheckpointSpec:
    values: dict[str, Any] = {
        key: table.get_number_or_text(key)
        if key == "gpu_layers"
        else table.get(key, _KINDS.get(key, str))
        for key in _CHECKPOINT_KEYS
        if key in table
    }
    place = "endpoint" if "endpoint" in table else "source"
    values["source"] = _source(table)
    if not is_endpoint(values["source"]):
        for key in _OF_ENDPOINTS:
            if key in table:
                table.fail(key, f"“{key}” is a setting of endpoints", "Remove it.")
    for key in ("source", "over"):
        values[key] = resolved_source(values.get(key, ""), folder)
    for key, value in values.items():
        with table.blaming(place if key == "source" else key):  # validates this value alone
            CheckpointSpec(**{"source": "folder:", "over": "folder:", key: value})
    with table.blaming(place):
        return CheckpointSpec(**{**asdict(common or PromptFormat()), **values})


def _source(table: Table) -> str:
    if "endpoint" not in table:
        return table.get("source", str)
    if "source" in table:
        table.fail("source", "A base has a source or an endpoint, not both", "Remove one of them.")
    return f"{KIND}:{table.get('endpoint', str).rstrip('/')}"


def resolved_source(source: str, folder: Path) -> str:
    """The source with its path, if it has one, resolved against ``folder``.

    A leading ``~`` is expanded.
    """
    kind, separator, path = source.partition(":")
    local = kind in ("folder", "gguf") or (kind == "adapter" and not path.startswith("hub:"))
    return f"{kind}:{folder / Path(path).expanduser()}" if local and separator else source


def _count(table: Table, key: str) -> int:
    value = table.get(key, int, 0)
    if value < 0:
        table.fail(key, f"“{key}” must be 0 or more", evidence=f"it is {value}")
    return value


def _accepted_ids(table: Table) -> tuple[int, ...]:
    ids = table.get_list("accepted_ids", int, [])
    if min(ids, default=0) < 0:
        table.fail("accepted_ids", "A token id is 0 or more", evidence=f"it is {min(ids)}")
    return tuple(ids)


def _logit_bias(table: Table) -> tuple[tuple[int, float], ...]:
    entries = table.get_list("logit_bias", list, [])
    for entry in entries:
        if len(entry) != 2 or type(entry[0]) is not int or type(entry[1]) not in (int, float):
            table.fail(
                "logit_bias",
                "Every element of “logit_bias” must be an id with a number, such as [13, -2.5]",
                evidence=f"one is {entry!r}",
            )
    return tuple((token_id, bias) for token_id, bias in entries)


def _sampling(table: Table) -> GenerationConfig:
    defaults = asdict(GenerationConfig())
    values: dict[str, Any] = {
        key: table.get(key, type(default))
        for key, default in defaults.items()
        if key in table and not isinstance(default, tuple)
    }
    values["stop"] = tuple(table.get_list("stop", str, []))
    values["logit_bias"] = _logit_bias(table)
    for key, value in values.items():
        if key != "structure":  # it needs its text
            with table.blaming(key):
                GenerationConfig(**{key: value})
    with table.blaming("structure"):
        return GenerationConfig(**values)
