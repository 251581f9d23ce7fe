"""Options of ``vllm serve`` as a person gave them, of which some are merged with Tuneshift's."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import SettingsError

ADDITIONAL, PROCESSORS = "--additional-config", "--logits-processors"
_MERGED = (ADDITIONAL, PROCESSORS)


@dataclass(frozen=True, slots=True)
class GivenOptions:
    """A person's options of ``vllm serve``.

    Attributes:
        names: The names of all options, with dashes.
        additional: The content of each ``--additional-config``, the last of which counts.
        processors: The values of each ``--logits-processors``.
        others: All other options, unchanged.
    """

    names: frozenset[str]
    additional: dict[str, object]
    processors: tuple[str, ...]
    others: tuple[str, ...]


def read_options(options: Sequence[str]) -> GivenOptions:
    """Read a person's options as vLLM does: names may have underscores, values follow ``=`` too.

    Raises:
        SettingsError: An option that is merged is abbreviated, is given key by key, or is not JSON.
    """
    names: set[str] = set()
    additional: dict[str, object] = {}
    processors: list[str] = []
    others: list[str] = []
    left = deque(options)
    while left:
        option = left.popleft()
        name, equals, value = option.partition("=")
        name = _with_dashes(name)
        _check_merged(name)
        names.add(name)
        if name == ADDITIONAL:
            additional |= _content(value if equals or not left else left.popleft())
        elif name == PROCESSORS:
            processors += [value] if equals else _values(left)
        else:
            others.append(option)
    return GivenOptions(frozenset(names), additional, tuple(processors), tuple(others))


def _with_dashes(name: str) -> str:
    """The name of an option without underscores, which vLLM takes for dashes before a dot."""
    if not name.startswith("--"):
        return name
    first, dot, keys = name.partition(".")
    return first.replace("_", "-") + dot + keys


def _check_merged(name: str) -> None:
    """Refuse other spellings of the options that are merged; vLLM would keep only one of both."""
    first, dot, _ = name.partition(".")
    for option in _MERGED:
        dotted = bool(dot) and first == option
        abbreviated = len(first) > len("--") and first != option and option.startswith(first)
        if dotted or abbreviated:
            raise SettingsError(
                f"{name} would replace what the recipe needs",
                evidence=f"vLLM reads it as {option}",
                next_step=f"Write {option} with its whole value, which is merged.",
            )


def _content(value: str) -> dict[str, object]:
    try:
        content = json.loads(value)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise SettingsError(f"{ADDITIONAL} must be a JSON object", evidence=f"it is {value!r}")
    return content


def _values(left: deque[str]) -> list[str]:
    """Take the values that follow an option."""
    found = []
    while left and not left[0].startswith("-"):
        found.append(left.popleft())
    return found
