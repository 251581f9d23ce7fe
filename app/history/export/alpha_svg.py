"""The strip below the plots: α of each pair at each token, and tokens without pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.attribution.row_statistics import Floats
from app.history.export.document import Document
from app.history.export.svg_geometry import (
    GAP,
    Geometry,
    Paint,
    grid_line,
    line_path,
    written_tick,
)

_HEIGHT = 48
_MARGIN = 0.08
"""Share of the range of α that stays free above and below the lines."""
_MARK = 4
"""Height of the mark of a token without pairs."""

WITHOUT_PAIRS = "no pair was read"


def alpha_height(document: Document) -> int:
    """The height of the strip with the space above it; 0 where all tokens have the same α."""
    return GAP + _HEIGHT if _varies(_alphas(document)) else 0


def alpha_strip(document: Document, first: Geometry, top: float, paint: Paint) -> list[str]:
    """The strip, with a line for each pair; empty where all tokens have the same α.

    Args:
        document: The run.
        first: The layout of a plot above.
        top: The upper edge of the space for the strip.
        paint: Gives the attributes of a colour.
    """
    alphas = _alphas(document)
    if not _varies(alphas):
        return []
    low, high = float(alphas.min()), float(alphas.max())
    room = (high - low) * _MARGIN
    place = replace(
        first, lowest=low - room, highest=high + room, top=top + GAP, height=float(_HEIGHT)
    )
    parts = [grid_line(value, written_tick(value), place, paint) for value in (low, high)]
    parts.append(f'<text x="4" y="{place.top - 5:.1f}" {paint("fill", "muted")}>α</text>')
    for pair, values in enumerate(alphas.T):
        path = line_path(values.tolist(), place)
        parts.append(f'<path fill="none" {paint("stroke", f"pair{pair}")} d="{path}"/>')
    bottom, skipped = place.top + place.height, document.skipped
    marks = "".join(
        f"M{place.x(at):.1f} {bottom:.1f}h{place.column:.1f}v{-_MARK}h{-place.column:.1f}z"
        for at, token in enumerate(document.tokens)
        if token.index in skipped
    )
    return [*parts, f'<path {paint("fill", "muted")} d="{marks}"/>'] if marks else parts


def _alphas(document: Document) -> Floats:
    """α of each pair at each token, [T, P]."""
    return np.array([token.alphas for token in document.tokens], np.float64)


def _varies(alphas: Floats) -> bool:
    return bool(alphas.size) and bool((alphas != alphas[0]).any())
