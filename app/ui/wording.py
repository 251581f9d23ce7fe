"""How numbers and tokens are written, everywhere the same."""

from __future__ import annotations

_VISIBLE = {"\n": "↵", "\r": "␍", "\t": "⇥"}


def probability(value: float) -> str:
    """A probability in three characters or so; what is tiny says so."""
    if 0 < value < 0.001:
        return "<0.001"
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"


def signed(value: float) -> str:
    """A difference of probabilities with its sign; a true minus sign lines up with the plus."""
    text = f"{value:+.3f}" if abs(value) < 0.0995 else f"{value:+.2f}"
    return text.replace("-", "−") if float(text) else "0"


def visible(text: str) -> str:
    """``text`` with line breaks and tabs as marks."""
    return "".join(_VISIBLE.get(character, character) for character in text)


def quoted(text: str) -> str:
    """A token in quotation marks, so that its spaces show."""
    return f"“{visible(text)}”"
