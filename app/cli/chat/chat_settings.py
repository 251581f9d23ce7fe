"""Alphas and sampling settings, as the commands of ``tuneshift chat`` show and set them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.checkpoints.spec import Recipe
from app.cli.chat.chat_talk import Talk
from app.cli.chosen_sampling import SAMPLING_OPTIONS
from app.errors import SettingsError

_WHOLE = ("max_new_tokens", "top_k", "seed")
_SEED, _STOP, _POLICY = "seed", "stop", "alpha_policy"
NEW, OFF = "new", "off"


def shown_alphas(recipe: Recipe) -> str:
    """The alpha of each pair, a line for each."""
    return "\n".join(f"{pair.name}: α = {pair.alpha:g}" for pair in recipe.pairs)


def with_alphas(recipe: Recipe, words: list[str]) -> Recipe:
    """The recipe with alphas by order, or by ``NAME=VALUE``.

    Raises:
        SettingsError: A word is no number, or names no pair, or there are too many.
    """
    alphas = list(recipe.alphas)
    names = [pair.name for pair in recipe.pairs]
    if len(words) > len(alphas):
        raise SettingsError(
            "There are more alphas than expert pairs",
            evidence=f"{len(words)} alphas, {len(alphas)} pairs",
        )
    for place, word in enumerate(words):
        name, separator, value = word.rpartition("=")
        if separator and name not in names:
            raise SettingsError(
                f"There is no pair “{name}”", evidence=f"there are {', '.join(names)}"
            )
        alphas[names.index(name) if separator else place] = _number(value)
    return recipe.with_alphas(tuple(alphas))


def shown_settings(talk: Talk) -> str:
    """The sampling settings, a line for each."""
    sampling = talk.recipe.sampling
    values = {name: f"{getattr(sampling, name):g}" for name in SAMPLING_OPTIONS}
    values[_SEED] = NEW if talk.seed is None else str(talk.seed)
    values[_POLICY] = sampling.alpha_policy
    values[_STOP] = ", ".join(map(repr, sampling.stop)) or OFF
    return "\n".join(f"{_dashed(name)} {value}" for name, value in values.items())


def change_setting(talk: Talk, name: str, value: str) -> None:
    """Set one sampling setting; ``seed new`` chooses a new seed for each answer.

    Raises:
        SettingsError: There is no such setting, or the value is not one of its values.
    """
    name = name.replace("-", "_")
    sampling = talk.recipe.sampling
    if name == _STOP:
        sampling = replace(sampling, stop=() if value == OFF else (value,))
    elif name == _POLICY:
        sampling = replace(sampling, alpha_policy=value)
    elif name == _SEED and value == NEW:
        talk.seed = None
        return
    elif name in SAMPLING_OPTIONS:
        whole = name in _WHOLE and value.removeprefix("-").isdecimal()
        changed: dict[str, Any] = {name: int(value) if whole else _number(value)}
        sampling = replace(sampling, **changed)
    else:
        raise SettingsError(
            f"There is no setting “{_dashed(name)}”",
            evidence=f"there are {', '.join(map(_dashed, (*SAMPLING_OPTIONS, _POLICY, _STOP)))}",
        )
    if name == _SEED:
        talk.seed = sampling.seed
    talk.recipe = replace(talk.recipe, sampling=sampling)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"“{text}” is not a number") from error


def _dashed(name: str) -> str:
    return name.replace("_", "-")
