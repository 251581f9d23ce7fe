"""Tuneshift: proxy-tuning of language models, with every token explained.

From Python, :func:`load`, :func:`generate` and :func:`score` run models without the window
(``docs/python-api.md``). They are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.api import ModelRun, Models, generate, load, save_tokens, score, token_columns

__version__ = "0.1.0"
__all__ = [
    "ModelRun",
    "Models",
    "generate",
    "load",
    "save_tokens",
    "score",
    "token_columns",
]


def __getattr__(name: str) -> object:
    """What :data:`__all__` names, from ``app.api``."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from app import api

    return getattr(api, name)
