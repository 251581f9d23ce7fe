"""Says whether models of a size fit into the memory of this machine, before they are downloaded."""

from __future__ import annotations

from app.checkpoints.host_memory import weights_fit
from app.ui.translation import translate
from app.wording import size


def fit_words(weights: int, memory: int) -> str:
    """“fits here”, or that weights of this size are too large for ``memory`` bytes."""
    if weights_fit(weights, memory):
        return translate("FitWords", "fits here")
    return translate("FitWords", "⚠ too large here")


def too_large(weights: int, memory: int) -> str:
    """A sentence that warns of weights that do not fit into ``memory`` bytes; empty if they do."""
    if weights_fit(weights, memory):
        return ""
    return translate(
        "FitWords",
        "⚠ Too large for this machine: the weights take about {0}, and its memory has {1}.",
    ).format(size(weights), size(memory))
