"""Marks of all matches: frames in the texts, and the found tokens for other views."""

from __future__ import annotations

from collections.abc import Sequence

from shiboken6 import isValid

from app.ui.state.runs.found_tokens import FoundTokens
from app.ui.text.text_matches import Match
from app.ui.text.transcript_edit import TranscriptText


class FoundMarks:
    """Marks what was found where tokens are shown.

    Args:
        found_tokens: Tells other views which tokens were found.
    """

    def __init__(self, found_tokens: FoundTokens) -> None:
        self._found_tokens = found_tokens
        self._marked: list[TranscriptText] = []

    def show(self, found: Sequence[Match]) -> None:
        """Mark these matches, and no others."""
        by_text: dict[TranscriptText, list[Match]] = {}
        for match in found:
            if isinstance(match.text.widget, TranscriptText):
                by_text.setdefault(match.text.widget, []).append(match)
        for text in self._marked:
            if text not in by_text and isValid(text):
                text.show_found([])
        self._marked = list(by_text)
        tokens = {}
        for text, matches in by_text.items():
            text.show_found([(match.start, match.end) for match in matches])
            if text.shown_run:
                tokens[text.shown_run.id] = _tokens_of(text, matches)
        self._found_tokens.show(tokens)

    def clear(self) -> None:
        """Remove all marks."""
        self.show(())


def _tokens_of(text: TranscriptText, matches: Sequence[Match]) -> list[int]:
    """The tokens that matches are in, ascending; none for matches in the prompt."""
    places = text.places
    begin = places.start_of(0)
    found: dict[int, None] = {}
    for match in matches:
        if match.end > begin:
            found.update(dict.fromkeys(places.tokens_in(max(match.start, begin), match.end)))
    return list(found)
