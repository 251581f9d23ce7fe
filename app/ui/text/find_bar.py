"""Bar that finds words and tokens in the text, in the conversation or in the prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.attribution.token_query import Criterion
from app.ui.state.session import Session
from app.ui.text.found_marks import FoundMarks
from app.ui.text.query_fields import QueryFields
from app.ui.text.text_matches import Match, SearchedText, are_incomplete
from app.ui.text.text_pattern import PatternError
from app.ui.text.text_search import TextSearch
from app.ui.theme import SPACE

_REFRESH_MS = 300
"""Interval of new searches while tokens are generated, in milliseconds."""


class FindBar(QFrame):
    """What to find, the number of matches, next, previous and close; Escape closes it.

    Args:
        session: The state of the window.
        texts: Returns the texts to search. It gets the widget that had the focus when the bar was
            opened, so that the prompt is searched from within the prompt.
    """

    def __init__(
        self,
        session: Session,
        texts: Callable[[QWidget | None], Sequence[SearchedText]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._texts = texts
        self._before: QWidget | None = None
        self._found: Sequence[Match] = ()
        self._shown: Match | None = None
        self._marks = FoundMarks(session.selection.found)
        self.search = TextSearch(self._on_failed, self)
        self._refresh = QTimer(self, interval=_REFRESH_MS, singleShot=True)
        self._refresh.timeout.connect(self._search_again)
        self.setProperty("role", "card")
        self.fields = QueryFields()
        self.field = self.fields.field
        self.fields.changed.connect(self._on_typed)
        self.count = QLabel()
        self.count.setProperty("role", "caption")
        self.mistake = QLabel()
        self.mistake.setProperty("role", "error")
        self.mistake.setWordWrap(True)
        self.mistake.hide()
        self._row = QHBoxLayout()
        self._row.setSpacing(SPACE // 2)
        self._row.addWidget(self.fields, 1)
        self._row.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE // 2, SPACE // 2, SPACE // 2)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(self._row)
        layout.addWidget(self.mistake)
        self._buttons = [
            self._add_button("‹", self.tr("Previous match (Shift+Enter)"), lambda: self.step(-1)),
            self._add_button("›", self.tr("Next match (Enter)"), lambda: self.step(1)),
        ]
        self._add_button("✕", self.tr("Close (Esc)"), self.leave)
        session.runs.run_changed.connect(self._on_run)
        session.runs.tokens_added.connect(self._on_text)
        session.selection.bookmarks.changed.connect(self._on_bookmarks)
        self.hide()

    def _add_button(self, text: str, name: str, slot: Callable[[], None]) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setProperty("role", "flat")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.clicked.connect(lambda: slot())
        self._row.addWidget(button)
        return button

    # Opening and closing

    def enter(self) -> None:
        """Open the bar, or go to its field."""
        self._open()
        first = self.fields.kind if self.field.isHidden() else self.field
        first.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self._on_typed()

    def find_tokens(self, kind: str, text: str) -> None:
        """Open the bar with a search for tokens of the text; the focus stays."""
        self._open()
        self._before = None  # the prompt has no tokens to find
        with QSignalBlocker(self.fields):  # an unchanged query is searched for, too
            self.fields.choose(kind, text)
        self._on_typed()

    def _open(self) -> None:
        focused = QApplication.focusWidget()
        if focused is not None and not self.isAncestorOf(focused):
            self._before = focused
        self._offer_pairs()
        self.show()

    def leave(self) -> None:
        """Close the bar; the last match stays selected."""
        self.hide()
        self.search.cancel()
        self._marks.clear()
        self._found, self._shown = (), None
        if self._before is not None and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.OtherFocusReason)
        self._before = None

    def stop(self) -> None:
        """End the search of the bar; the window closes."""
        self.search.close()

    # Matches

    def _on_typed(self) -> None:
        """Show the first match from the shown one on."""
        self._find(self._show_from_here)

    def _on_run(self) -> None:
        self.search.cancel()  # of a text that may be gone
        self._on_text()

    def _on_text(self) -> None:
        if self.isVisible() and not self._refresh.isActive():
            self._refresh.start()

    def _on_bookmarks(self) -> None:
        if self.fields.kind.currentData() == Criterion.BOOKMARK:
            self._search_again()

    def _search_again(self) -> None:
        """Count and mark the matches of a text or of bookmarks that changed; select none."""
        self._offer_pairs()
        if self.isVisible():
            self._find(self._count)

    def _offer_pairs(self) -> None:
        run = self._session.runs.current
        self.fields.offer_pairs(run.pair_names if run else ())

    def _find(self, then: Callable[[Sequence[Match]], None]) -> None:
        try:
            query = self.fields.query
        except PatternError as error:
            self._on_failed(str(error))
            return

        def take(found: Sequence[Match]) -> None:
            self._say("")
            if found is not self._found:
                self._marks.show(found)
            self._found = found
            then(found)

        texts = self._texts(self._before)
        self.search.find(texts, query, take)
        if are_incomplete(texts):
            self._on_text()  # there will be more to find

    def step(self, by: int) -> None:
        """Show the next (1) or previous (−1) match, round and round."""
        if self.isHidden():
            self.enter()
            return

        def move(found: Sequence[Match]) -> None:
            place = _place_of(self._shown, found)
            self._show(found, 0 if place is None else (place + by) % len(found))

        self._find(move)

    def _show_from_here(self, found: Sequence[Match]) -> None:
        at = self._shown
        later = (place for place, match in enumerate(found) if at and _is_at_or_after(match, at))
        self._show(found, next(later, 0))

    def _show(self, found: Sequence[Match], place: int) -> None:
        if self._shown and (not found or self._shown.text.widget is not found[place].text.widget):
            self._shown.unselect()
        self._shown = found[place] if found else None
        if self._shown:
            self._shown.show()
        self._count(found)

    def _count(self, found: Sequence[Match]) -> None:
        place = _place_of(self._shown, found)
        if place is not None:
            self.count.setText(self.tr("{0} of {1}").format(f"{place + 1:,}", f"{len(found):,}"))
        elif found:
            self.count.setText(self.tr("{0} in all").format(f"{len(found):,}"))
        else:
            self.count.setText(self.tr("not found") if self._asked else "")
        for button in self._buttons:
            button.setEnabled(bool(found))

    @property
    def _asked(self) -> bool:
        """Whether anything is searched for."""
        return self.field.isHidden() or bool(self.field.text())

    def _on_failed(self, mistake: str) -> None:
        """Show why there is no result; the last match stays where it is."""
        self._marks.clear()
        self._found = ()
        self._count(())
        self.count.setText("")
        self._say(mistake)

    def _say(self, mistake: str) -> None:
        self.mistake.setText(mistake)
        self.mistake.setVisible(bool(mistake))

    # Keys

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()  # of a field of the bar, before the window's Stop
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self.step(-1 if shift else 1)
        else:
            super().keyPressEvent(event)


def _place_of(match: Match | None, found: Sequence[Match]) -> int | None:
    return found.index(match) if match in found else None


def _is_at_or_after(match: Match, other: Match) -> bool:
    return match.text.widget is other.text.widget and match.start >= other.start
