"""Fields of the find bar that say what is searched for: words, or properties of tokens."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QWidget

from app.attribution.token_query import Criterion, TextClass, TokenQuery
from app.ui.text.text_pattern import PatternError, TextPattern
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import ChoiceBox

WORDS, PATTERN, BY_PAIR = "words", "pattern", "pair"
"""Kinds of searches besides the criteria for tokens; a pair has two criteria."""

_LEAST = 80
"""Least width in pixels of what to find, and of the choice of its kind, which is shortened then."""

Query = TextPattern | TokenQuery

_FIRST_NUMBERS: dict[str, str] = {
    Criterion.RANK: "1",
    Criterion.TUNED_RANK: "1",
    Criterion.RAISED: "1",
    Criterion.LOWERED: "1",
}


class QueryFields(QWidget):
    """A choice of what to search for, and the field or the choice that says for what exactly."""

    changed = Signal()
    """The query is another one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._typed: dict[str, str] = dict(_FIRST_NUMBERS)
        self._pair_names: tuple[str, ...] = ()
        self.kind = ChoiceBox()
        self.kind.setAccessibleName(self.tr("What to find"))
        self.kind.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.field = QLineEdit()
        for part in (self.kind, self.field):
            part.setMinimumWidth(_LEAST)
        self.field.setAccessibleName(self.tr("Find"))
        self.choice = ChoiceBox()
        self.case = QToolButton()
        self.case.setText("Aa")
        self.case.setCheckable(True)
        self.case.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.case.setToolTip(self.tr("Upper and lower case differ"))
        self.case.setAccessibleName(self.case.toolTip())
        for kind, title in self._titles().items():
            self.kind.addItem(title, kind)
        self._shown = WORDS
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.kind)
        layout.addWidget(self.field, 1)
        layout.addWidget(self.choice, 1)
        layout.addWidget(self.case)
        self._adapt()
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.field.textChanged.connect(self.changed)
        self.choice.currentIndexChanged.connect(self.changed)
        self.case.toggled.connect(self.changed)

    def _titles(self) -> dict[str, str]:
        return {
            WORDS: self.tr("Text"),
            PATTERN: self.tr("Regular expression"),
            Criterion.ID: self.tr("Token id"),
            Criterion.CLASS: self.tr("Class of token"),
            Criterion.RANK: self.tr("Base rank above"),
            Criterion.TUNED_RANK: self.tr("Tuned rank above"),
            Criterion.RAISED: self.tr("Raised by at least"),
            Criterion.LOWERED: self.tr("Lowered by at least"),
            Criterion.FLIP: self.tr("Flips"),
            BY_PAIR: self.tr("Pair"),
            Criterion.BOOKMARK: self.tr("Bookmarks"),
        }

    def _class_titles(self) -> dict[TextClass, str]:
        return {
            TextClass.SPECIAL: self.tr("special tokens"),
            TextClass.WHITESPACE: self.tr("whitespace alone"),
            TextClass.LINE_BREAK: self.tr("line breaks"),
            TextClass.DIGITS: self.tr("digits"),
            TextClass.WORD_START: self.tr("beginnings of words"),
            TextClass.WORD_INSIDE: self.tr("inside words"),
            TextClass.PUNCTUATION: self.tr("punctuation and symbols"),
            TextClass.NOT_ASCII: self.tr("other than ASCII"),
            TextClass.PART: self.tr("parts of characters"),
        }

    # What is asked

    @property
    def query(self) -> Query | None:
        """What the fields ask for; None if they are empty.

        Raises:
            PatternError: The field needs a number.
        """
        kind, text = str(self.kind.currentData()), self.field.text()
        if kind in (WORDS, PATTERN):
            match_case = self.case.isChecked()
            return TextPattern(text, kind == PATTERN, match_case) if text else None
        if kind == BY_PAIR:
            criterion, pair = self.choice.currentData() or (None, "")
            return TokenQuery(criterion, pair=pair) if criterion else None
        criterion = Criterion(kind)
        if criterion is Criterion.CLASS:
            return TokenQuery(criterion, text_class=self.choice.currentData())
        if criterion in (Criterion.FLIP, Criterion.BOOKMARK):
            return TokenQuery(criterion)
        return TokenQuery(criterion, self._number(text)) if text.strip() else None

    def _number(self, text: str) -> float:
        number, valid = self.locale().toDouble(text.strip().removeprefix("#"))
        if not valid:
            raise PatternError(self.tr("“{0}” is no number").format(text.strip()))
        return number

    def choose(self, kind: str, text: str = "") -> None:
        """Search for something of another kind."""
        self._typed[kind] = text
        self.kind.setCurrentIndex(self.kind.findData(kind))
        self.field.setText(text)

    def offer_pairs(self, names: Sequence[str]) -> None:
        """Offer the pairs of the shown run."""
        if tuple(names) != self._pair_names:
            self._pair_names = tuple(names)
            if self._shown == BY_PAIR:
                self._fill_choice()

    # Changes of the kind

    def _on_kind(self) -> None:
        self._typed[self._shown] = self.field.text()
        self._shown = str(self.kind.currentData())
        with QSignalBlocker(self.field):
            self.field.setText(self._typed.get(self._shown, ""))
        self._adapt()
        self.changed.emit()

    def _adapt(self) -> None:
        """Show the fields that the kind needs."""
        kind = self._shown
        chosen = kind in (Criterion.CLASS, BY_PAIR)
        bare = kind in (Criterion.FLIP, Criterion.BOOKMARK)
        self.field.setVisible(not chosen and not bare)
        self.choice.setVisible(chosen)
        self.case.setVisible(kind in (WORDS, PATTERN))
        self.field.setPlaceholderText(self._placeholder(kind))
        if chosen:
            self._fill_choice()

    def _placeholder(self, kind: str) -> str:
        return {
            WORDS: self.tr("Find"),
            PATTERN: r"\bnever\b|\d+",
            Criterion.ID: "13",
            Criterion.RANK: self.tr("rank"),
            Criterion.TUNED_RANK: self.tr("rank"),
        }.get(kind, self.tr("bits"))

    def _fill_choice(self) -> None:
        with QSignalBlocker(self.choice):
            self.choice.clear()
            if self._shown == BY_PAIR:
                self.choice.setAccessibleName(self.tr("Pair"))
                for name in self._pair_names:
                    raised = self.tr("raised most by {0}").format(name)
                    lowered = self.tr("lowered most by {0}").format(name)
                    self.choice.addItem(raised, (Criterion.RAISED_BY, name))
                    self.choice.addItem(lowered, (Criterion.LOWERED_BY, name))
            else:
                self.choice.setAccessibleName(self.tr("Class of token"))
                for text_class, title in self._class_titles().items():
                    self.choice.addItem(title, text_class)
