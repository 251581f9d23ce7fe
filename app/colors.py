"""The colours of the program, light and dark: of the window, and of the reports that leave it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colors:
    """The colours of one appearance, as ``#rrggbb``.

    Attributes:
        window: Background of the window; ``surface`` of what is read or edited on it.
        border: Hairlines around surfaces; ``hover`` of controls under the pointer.
        text: Text; ``muted`` of secondary text.
        accent: The one emphasised action, focus and selection; ``on_accent`` is text on it.
        selection: Behind selected text, rows and the selected token.
        danger: Errors.
        more: The tint of tokens that the pairs made more probable; ``less`` of the others.
        heat: The tint of an amount that has no sign, such as surprisal.
        tint_strength: How much of its pure colour a full tint has; text must stay readable on it.
        ranks: One for each class of ranks, ordered by lightness for those without colour vision.
        pairs: One for each expert pair, from the Okabe–Ito palette; then again from the start.
    """

    dark: bool
    window: str
    surface: str
    border: str
    hover: str
    text: str
    muted: str
    accent: str
    on_accent: str
    selection: str
    danger: str
    more: str
    less: str
    heat: str
    tint_strength: float
    ranks: tuple[str, ...]
    pairs: tuple[str, ...]

    def of_pair(self, index: int) -> str:
        """The colour of expert pair ``index``, the same in every view."""
        return self.pairs[index % len(self.pairs)]


LIGHT = Colors(
    dark=False,
    window="#f4f6f8",
    surface="#ffffff",
    border="#d8dde3",
    hover="#eef1f4",
    text="#1b1f24",
    muted="#5c6570",
    accent="#0a60c9",
    on_accent="#ffffff",
    selection="#d5e6fa",
    danger="#b3261e",
    more="#1b8a4b",
    less="#8a4fb5",
    heat="#c2255c",
    tint_strength=0.45,
    ranks=("#eef3d8", "#b5dcb4", "#90bfdf", "#b598d6"),
    pairs=("#0072b2", "#d98200", "#009e73", "#cc5a9b", "#56a4d9", "#c44601"),
)

DARK = Colors(
    dark=True,
    window="#1e2024",
    surface="#26292e",
    border="#3b4047",
    hover="#31353b",
    text="#eceff2",
    muted="#a3abb5",
    accent="#4a9eff",
    on_accent="#0b1420",
    selection="#264766",
    danger="#ff8a80",
    more="#4cc27e",
    less="#c08be6",
    heat="#ff7096",
    tint_strength=0.34,
    ranks=("#31362a", "#284a39", "#28557c", "#6c4f9b"),
    pairs=("#58a6e0", "#eba53a", "#3cc79e", "#e58bbd", "#8ccbf2", "#f08a4b"),
)

FULL_SHIFT_BITS = 4.0
"""A shift of so many bits, a factor of 16 in probability, has the full tint."""
