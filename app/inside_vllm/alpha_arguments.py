"""The arguments of a request: ``alpha``, or ``alpha.NAME`` for one pair, and ``contributions``."""

from __future__ import annotations

import math
from collections.abc import Mapping

from app.checkpoints.spec import Recipe
from app.errors import SettingsError

ALL = "alpha"
ONE = "alpha."
CONTRIBUTIONS = "contributions"


def read_alphas(arguments: Mapping[str, object] | None, recipe: Recipe) -> tuple[float, ...]:
    """The α of each pair: that of the request, or the recipe's.

    Args:
        arguments: The arguments of the request (``vllm_xargs``). ``alpha`` is meant for all pairs,
            ``alpha.NAME`` for one of them; others are not looked at.
        recipe: The recipe.

    Raises:
        SettingsError: An α is no finite number, or no pair has this name.
    """
    arguments = arguments or {}
    check_numbers(arguments)
    names = [pair.name for pair in recipe.pairs]
    for key in arguments:
        if key.startswith(ONE) and key.removeprefix(ONE) not in names:
            raise SettingsError(
                f"There is no pair “{key.removeprefix(ONE)}”",
                evidence=f"the pairs are {', '.join(f'“{name}”' for name in names)}",
                next_step=f"Send vllm_xargs with {ONE}NAME.",
            )
    default = arguments.get(ALL)
    found = [
        arguments.get(ONE + pair.name, pair.alpha if default is None else default)
        for pair in recipe.pairs
    ]
    return tuple(float(alpha) for alpha in found if isinstance(alpha, int | float))


def wants_contributions(arguments: Mapping[str, object] | None) -> bool:
    """Whether a request asks what each pair did to its tokens.

    Raises:
        SettingsError: What it says is neither true nor false.
    """
    value = (arguments or {}).get(CONTRIBUTIONS, False)
    if value not in (False, True):  # vLLM may have made it 0 or 1
        raise SettingsError(f"{CONTRIBUTIONS} must be true or false", evidence=f"it is {value!r}")
    return bool(value)


def check_numbers(arguments: Mapping[str, object]) -> None:
    """Check that every α is a finite number.

    Raises:
        SettingsError: One is not.
    """
    for key, value in arguments.items():
        if key != ALL and not key.startswith(ONE):
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(float(str(value))):
            raise SettingsError(f"{key} must be a finite number", evidence=f"it is {value!r}")
