"""Search of runs: the words that stand for a run besides its text, and how they are matched."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime

from app.decoding.types import GenerationConfig
from app.history.recipe_facts import RecipeFacts

_SETTING = re.compile(r"[^=]+=-?[\d.]*\d")


def searchable(facts: RecipeFacts, config: GenerationConfig, created: datetime) -> str:
    """Models, recipe, pairs, settings and start of a run, as the text that a search looks at.

    Settings are items such as ``seed=7``, ``temperature=0.8`` and ``α=1.5``.
    """
    settings = {name: value for name, value in asdict(config).items() if name != "seed"}
    numbers = ((name, value) for name, value in settings.items() if isinstance(value, int | float))
    items = [f"{name}={value:g}" for name, value in numbers]
    items.append(f"seed={config.seed}")
    for alpha in facts.alphas:
        items += [f"α={alpha:g}", f"alpha={alpha:g}"]
    items.append(f"{created.astimezone():%Y-%m-%d %H:%M}")
    return "\n".join((facts.name, *facts.models, *facts.pairs, *items))


def matches(text: str, words: str) -> bool:
    """Whether all ``words`` occur in ``text``, in any case.

    A number after “=” is matched as a whole: ``seed=7`` does not find ``seed=70``.
    """
    folded = fold(text)
    return all(_occurs(word, folded) for word in fold(words).split())


def fold(text: str) -> str:
    """``text`` in the form in which texts and words are compared: without case.

    NUL is a space, since SQLite's index ends at it.
    """
    return text.casefold().replace("\0", " ")


def is_setting(word: str) -> bool:
    """Whether a word is a setting with its number, such as ``seed=7``."""
    return _SETTING.fullmatch(word) is not None


def _occurs(word: str, text: str) -> bool:
    if not is_setting(word):
        return word in text
    return re.search(rf"{re.escape(word)}(?![\d.])", text) is not None
