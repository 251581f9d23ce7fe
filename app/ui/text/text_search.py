"""Search of texts, on a thread of its own where a regular expression may take long."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject

from app.attribution.token_query import TokenQuery
from app.errors import TuneshiftError
from app.ui.state.background import Background
from app.ui.text.query_fields import Query
from app.ui.text.text_matches import (
    Match,
    SearchedText,
    TextSnapshot,
    contents_of_tokens,
    matching_tokens,
    snapshots,
)
from app.ui.text.text_pattern import PatternError, Spans, TextPattern, TooSlowError

Take = Callable[[Sequence[Match]], None]

_Spans = list[Spans]


class TextSearch(QObject):
    """Finds what a query asks for. A new search cancels the one before.

    Args:
        failed: Called with the mistake of a regular expression, in words.
    """

    def __init__(self, failed: Callable[[str], None], parent: QObject) -> None:
        super().__init__(parent)
        self._failed = failed
        self._background = Background("find in the text", self)
        self._job: int | None = None
        self._known: tuple[TextPattern, list[str], _Spans] | None = None
        self._known_tokens: tuple[object, list[Match]] | None = None

    def find(self, texts: Sequence[SearchedText], query: Query | None, take: Take) -> None:
        """Call ``take`` with the matches, in order: at once, but for a regular expression."""
        self.cancel()
        if query is None:
            take(())
        elif not isinstance(query, TextPattern):
            take(self._matching_tokens(texts, query))
        elif query.regular:
            self._find_pattern(snapshots(texts), query, take)
        else:
            read = snapshots(texts)
            take(_matches(read, query.spans([text.content.text for text in read])))

    def _matching_tokens(self, texts: Sequence[SearchedText], query: TokenQuery) -> list[Match]:
        """The tokens that match, which are found anew only if a text has changed."""
        searched = query, contents_of_tokens(texts)
        if self._known_tokens is None or self._known_tokens[0] != searched:
            self._known_tokens = searched, matching_tokens(texts, query)
        return self._known_tokens[1]

    def _find_pattern(self, read: list[TextSnapshot], query: TextPattern, take: Take) -> None:
        contents = [text.content.text for text in read]
        if self._known and self._known[:2] == (query, contents):
            take(_matches(read, self._known[2]))
            return

        def done(spans: _Spans | PatternError) -> None:
            if isinstance(spans, PatternError):
                self._failed(self._words(spans))
            else:
                self._known = query, contents, spans
                take(_matches(read, spans))

        self._job = self._background.run(
            self, lambda: _search(query, contents), done, self._on_error
        )

    def cancel(self) -> None:
        """Drop the search that is under way, if there is one."""
        if self._job is not None:
            self._background.forget(self._job)
            self._job = None

    def close(self) -> None:
        """Start no other search. Returns at once; a search under way ends within its time."""
        self.cancel()
        self._background.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has ended."""
        return self._background.join(timeout)

    def _words(self, mistake: PatternError) -> str:
        if isinstance(mistake, TooSlowError):
            return self.tr("This regular expression takes too long on this text.")
        return self.tr("Not a regular expression: {0}").format(mistake)

    def _on_error(self, error: TuneshiftError) -> None:
        self._failed(str(error))


def _search(query: TextPattern, contents: Sequence[str]) -> _Spans | PatternError:
    """The matches, or the mistake in the expression, which is no error of the program."""
    try:
        return query.spans(contents)
    except PatternError as mistake:
        return mistake


def _matches(read: Sequence[TextSnapshot], spans: _Spans) -> list[Match]:
    return [match for text, found in zip(read, spans, strict=True) for match in text.matches(found)]
