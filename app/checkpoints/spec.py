"""What a person asks for: checkpoints, expert pairs, and the recipe that names them, as TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import tomli_w

from app.decoding.types import GenerationConfig, check_alphas
from app.errors import RecipeError, SettingsError
from app.resources import resource

FORMAT = 1
DEFAULT_RECIPE = "demo"
DTYPES = ("auto", "bfloat16", "float16", "float32")
PLAIN, CHAT = "plain", "chat"


@dataclass(frozen=True, slots=True)
class CheckpointSpec:
    """One role's checkpoint and how it is to be used.

    Attributes:
        source: ``folder:PATH`` or ``builtin:NAME``.
        dtype: One of ``DTYPES``; ``auto`` is the dtype of the checkpoint.
        device: ``auto``, ``cpu``, ``cuda:0``, …
        prompt: ``plain``, ``chat`` (the model's own template) or a template with ``{prompt}`` and
            optionally ``{system}``.
        system: The system prompt for ``chat`` and templates.
    """

    source: str
    dtype: str = "auto"
    device: str = "auto"
    prompt: str = PLAIN
    system: str = ""

    def __post_init__(self) -> None:
        if not self.source:
            raise RecipeError(
                "A role names no checkpoint", next_step="Choose a folder or a built-in checkpoint."
            )
        if self.dtype not in DTYPES:
            raise RecipeError(
                f"“{self.dtype}” is not a dtype", next_step=f"Use one of {', '.join(DTYPES)}."
            )
        if self.prompt not in (PLAIN, CHAT) and "{prompt}" not in self.prompt:
            raise RecipeError(
                "A prompt format must be plain, chat, or a template that contains {prompt}",
                evidence=f"it is “{self.prompt}”",
            )


@dataclass(frozen=True, slots=True)
class ExpertPair:
    """An expert, its anti-expert and the weight of their difference."""

    name: str
    expert: CheckpointSpec
    antiexpert: CheckpointSpec
    alpha: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a person loads, with defaults for prompt and sampling."""

    name: str
    base: CheckpointSpec
    pairs: tuple[ExpertPair, ...]
    sample_prompt: str = ""
    sampling: GenerationConfig = field(default_factory=GenerationConfig)

    def __post_init__(self) -> None:
        if not self.pairs:
            raise RecipeError(
                "A recipe needs at least one expert pair", next_step="Add an expert pair."
            )
        check_alphas(self.alphas, len(self.pairs))

    @property
    def alphas(self) -> tuple[float, ...]:
        return tuple(pair.alpha for pair in self.pairs)

    def with_alphas(self, alphas: tuple[float, ...]) -> Recipe:
        """This recipe with other weights, one for each pair."""
        check_alphas(alphas, len(self.pairs))
        pairs = zip(self.pairs, alphas, strict=True)
        return replace(self, pairs=tuple(replace(pair, alpha=alpha) for pair, alpha in pairs))

    def with_role(self, place: int, spec: CheckpointSpec) -> Recipe:
        """This recipe with another checkpoint in the role at ``place`` of :meth:`roles`."""
        if place == 0:
            return replace(self, base=spec)
        pairs = list(self.pairs)
        index, antiexpert = divmod(place - 1, 2)
        if antiexpert:
            pairs[index] = replace(pairs[index], antiexpert=spec)
        else:
            pairs[index] = replace(pairs[index], expert=spec)
        return replace(self, pairs=tuple(pairs))

    def checkpoints(self) -> list[CheckpointSpec]:
        """The checkpoint of every role; recipes that agree in this need no new load."""
        return [spec for _, spec in self.roles()]

    def roles(self) -> list[tuple[str, CheckpointSpec]]:
        """Every role with a name for it: the base, then expert and anti-expert of each pair."""
        named = [("base", self.base)]
        for pair in self.pairs:
            named.append((f"expert “{pair.name}”", pair.expert))
            named.append((f"anti-expert “{pair.name}”", pair.antiexpert))
        return named


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
    table: dict[str, Any] = {
        "format": FORMAT,
        "name": recipe.name,
        "sample_prompt": recipe.sample_prompt,
        "base": asdict(recipe.base),
        "pair": [asdict(pair) for pair in recipe.pairs],
        "sampling": asdict(recipe.sampling),
    }
    text = tomli_w.dumps(table)
    if r"\r\n" not in text:  # which strings of several lines cannot hold
        text = tomli_w.dumps(table, multiline_strings=True)
    path.write_text(text, encoding="utf-8")


def _recipe(table: Mapping[str, Any], folder: Path) -> Recipe:
    _known(table, {"format", "name", "sample_prompt", "base", "pair", "sampling"}, "the recipe")
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
    values = {key: _get(table, key, str, where) for key in table}
    kind, _, path = _get(table, "source", str, where).partition(":")
    if kind == "folder":
        values["source"] = f"folder:{folder / Path(path).expanduser()}"
    return CheckpointSpec(**values)


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
    if not isinstance(value, kind) or isinstance(value, bool):
        raise RecipeError(f"“{key}” in {where} has a value of the wrong kind", evidence=repr(value))
    return value
