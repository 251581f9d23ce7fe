"""Dialog that compares two runs: their texts, their statistics and their shifts."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.attribution.run_totals import totals_of
from app.evaluation.run_comparison import RunDifference
from app.ui.compare.difference_legend import DifferenceLegend
from app.ui.compare.difference_words import describe_aligned, describe_match, describe_shared
from app.ui.compare.run_differences import RunDifferences
from app.ui.compare.run_text import RunText
from app.ui.compare.shift_strip import ShiftStrip
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.tint_menus import MenuButton
from app.ui.text.tint_scale_menu import ScaleOfDifference, TintScaleMenu
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.words.run_titles import RunTitles
from app.ui.words.token_counts import token_count
from app.ui.words.unit_words import bits, number

_FRAME = QSize(24, 64)
"""Space for the window frame."""
_SIZE = QSize(1040, 640)


class _Column:
    """The widgets of one of the two runs."""

    def __init__(self, name: str) -> None:
        self.choice = ChoiceBox()
        self.choice.setAccessibleName(name)
        self.text = RunText(name)
        self.figures = QLabel()
        self.figures.setWordWrap(True)
        self.figures.setProperty("role", "caption")
        self.run: Run | None = None


class CompareDialog(QDialog):
    """Dialog with two runs side by side, updated while they grow; both share the selected token."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._runs = session.runs
        self._words = RunTitles(self)
        self.setWindowTitle(self.tr("Compare runs"))
        self.columns = (_Column(self.tr("Run A")), _Column(self.tr("Run B")))
        self.strip = ShiftStrip()
        self._said = ElidedLabel()
        self._said.setProperty("role", "caption")
        self.inspect = QPushButton(self.tr("Inspect"))
        self.inspect.setToolTip(self.tr("Show run B in the window, with the selected token"))
        self.inspect.setAutoDefault(False)
        self.inspect.clicked.connect(self._inspect)
        self.next_change = QPushButton(self.tr("Next change"))
        self.next_change.setToolTip(
            self.tr("Next token at which another token is most probable (F8; Shift+F8 goes back)")
        )
        self.next_change.clicked.connect(lambda: self._go_to_change(1))
        ViewKey.NEXT_CHANGE.shortcut(self, lambda: self._go_to_change(1))
        ViewKey.PREVIOUS_CHANGE.shortcut(self, lambda: self._go_to_change(-1))
        self.difference = QLabel()
        self.difference.setWordWrap(True)
        self.difference.setProperty("role", "caption")
        self.tinted = QCheckBox(self.tr("Tint B by the &difference from A"))
        self.tinted.setToolTip(
            self.tr(
                "Tokens at which another token is most probable are underlined. Otherwise both "
                "runs are tinted by their shifts, and what they share is muted"
            )
        )
        self.tinted.clicked.connect(self._update)
        self.legend = DifferenceLegend()
        self.scale_menu = TintScaleMenu(ScaleOfDifference(session.display), self)
        self.scale = MenuButton(self.scale_menu, self.tr("Scale"))
        self.scale.show_choice(self.tr("Scale"))
        session.display.difference_scale_changed.connect(self._update)
        self._differences = RunDifferences(session, self)
        self._differences.changed.connect(self._update)
        self._found: RunDifference | None = None
        self._chosen: int | None = None
        self._other_runs = True
        self._lay_out()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - _FRAME))
        for place, column in enumerate(self.columns):
            column.choice.currentIndexChanged.connect(lambda _, at=place: self._on_choice(at))
            column.text.token_chosen.connect(lambda index, at=place: self.choose(index, at))
        self.strip.token_chosen.connect(self.choose)
        session.runs.list_changed.connect(self._fill)
        session.runs.generation.progressed.connect(self._on_progress)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE + 4)
        grid.setVerticalSpacing(SPACE // 2)
        for place, column in enumerate(self.columns):
            head = QHBoxLayout()
            head.setSpacing(SPACE)
            letter = QLabel("AB"[place])
            letter.setProperty("role", "section")
            letter.setBuddy(column.choice)
            head.addWidget(letter)
            head.addWidget(column.choice, 1)
            card = QFrame()
            card.setProperty("role", "card")
            inside = QVBoxLayout(card)
            inside.setContentsMargins(SPACE, SPACE // 2, SPACE // 2, SPACE // 2)
            inside.addWidget(column.text)
            grid.addLayout(head, 0, place)
            grid.addWidget(card, 1, place)
            grid.addWidget(column.figures, 2, place)
            grid.setColumnStretch(place, 1)
        grid.setRowStretch(1, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.next_change, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.inspect, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        for button in buttons.findChildren(QPushButton):
            button.setAutoDefault(False)
        strip = QFrame()
        strip.setProperty("role", "card")
        inside = QVBoxLayout(strip)
        inside.setContentsMargins(SPACE // 2, SPACE, SPACE // 2, SPACE // 2)
        inside.addWidget(self.strip)
        foot = QHBoxLayout()
        foot.setSpacing(2 * SPACE)
        foot.addWidget(self._said, 1)
        foot.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(SPACE + 4)
        layout.addLayout(grid, 1)
        said = QVBoxLayout()
        said.setSpacing(SPACE // 2)
        said.addWidget(self.difference)
        tint = QHBoxLayout()
        tint.setSpacing(SPACE)
        for part in (self.tinted, self.scale):
            tint.addWidget(part)
        tint.addStretch(1)
        said.addLayout(tint)
        said.addWidget(self.legend)
        layout.addLayout(said)
        layout.addWidget(strip)
        layout.addLayout(foot)

    # Runs

    def compare(self, first: Run | None, second: Run | None) -> None:
        """Show two runs; a missing one is replaced by a related run."""
        second = second or self._runs.current
        first = first or self._other_than(second)
        for column, run in zip(self.columns, (first, second), strict=True):
            column.run = run
        self._chosen, self._other_runs = None, True
        self._fill()
        self.columns[1].choice.setFocus()

    def _other_than(self, run: Run | None) -> Run | None:
        """The parent of a run, or else its neighbour in the list."""
        if run is None:
            return None
        if run.parent in self._runs.all:
            return run.parent
        others = [other for other in self._runs.all if other is not run]
        alike = [other for other in others if other.prompt == run.prompt] or others
        return alike[-1] if alike else None

    def _fill(self) -> None:
        """Fill both choices with the runs of the window."""
        for column in self.columns:
            if column.run not in self._runs.all:
                column.run = None
            with QSignalBlocker(column.choice):
                column.choice.clear()
                for run in self._runs.all:
                    title, detail = self._words.title(run), self._words.detail(run)
                    column.choice.addItem(self.tr("{0} — {1}").format(title, detail))
                place = self._runs.all.index(column.run) if column.run else -1
                column.choice.setCurrentIndex(place)
        self._update()

    def _on_choice(self, place: int) -> None:
        at = self.columns[place].choice.currentIndex()
        self.columns[place].run = self._runs.all[at] if at >= 0 else None
        self._chosen, self._other_runs = None, True
        self._update()

    def _choose_tint(self) -> None:
        """Tint by the difference where the models make something else of the same text."""
        first, second = (column.run for column in self.columns)
        if self._found and first and second and self._other_runs:
            self._other_runs = False
            other = first.recipe.models != second.recipe.models
            self.tinted.setChecked(other or self._found.shared is not None)

    # Content

    def _on_progress(self, run: Run) -> None:
        if run in [column.run for column in self.columns]:
            self._update()

    def _update(self) -> None:
        runs = [column.run for column in self.columns if column.run]
        both = len(runs) == 2
        common = runs[0].common_length(runs[1]) if both else 0
        muted = _shared(runs, common)
        ended = both and not any(run.active for run in runs)
        self._found = self._differences.of(runs[0], runs[1], common) if ended else None
        self._choose_tint()
        self.tinted.setVisible(self._found is not None)
        for part in (self.legend, self.scale):
            part.setVisible(self._found is not None and self.tinted.isChecked())
        shared = self._found.tints(common) if self._found and self.tinted.isChecked() else None
        self._show_difference(runs, common)
        for column in self.columns:
            is_new = column.run is not column.text.run
            differences = shared if column is self.columns[1] else None
            chosen = self._session.display.difference_scale
            column.text.show_run(column.run, muted, differences, chosen)
            column.figures.setText(self._statistics(column.run, common))
            if is_new:
                column.text.show_divergence()
        text = self.columns[1].text
        self.legend.show_scale(text.scale, saturates=text.saturates)
        self.strip.show_runs(runs if both else (), common)
        self.inspect.setEnabled(self.columns[1].run is not None)
        self.next_change.setEnabled(bool(self._found and self._found.changed))
        self._mark(self._chosen)
        self._said.show_text(self._describe(runs, common))

    def _show_difference(self, runs: list[Run], common: int) -> None:
        """Say what the runs make of the tokens that both have, before and after they part."""
        found, parts = self._found, []
        if found and found.shared:
            parts.append(describe_shared(found.shared))
        if found and found.aligned:
            parts.append(describe_aligned(found, len(runs[1].tokens) - common))
        self.difference.setText(" ".join(parts))
        self.difference.setVisible(bool(parts))

    def _describe(self, runs: list[Run], common: int) -> str:
        if len(runs) < 2:
            return self.tr("Choose two runs.")
        if self._chosen is not None:
            return " · ".join(self.strip.describe(self._chosen).split("\n"))
        first, second = runs
        if first is second or common == len(first.tokens) == len(second.tokens):
            return self.tr("Both runs have the same tokens.")
        if first.prompt != second.prompt:
            return self.tr("The prompts differ; the runs are aligned at their first tokens.")
        if common == min(len(first.tokens), len(second.tokens)):
            return self.tr("One run is the beginning of the other.")
        if not common:
            return self.tr("The runs differ from their first tokens on.")
        return self.tr("The runs share {0}.").format(token_count(common))

    def _statistics(self, run: Run | None, common: int) -> str:
        """Statistics of the tokens after the divergence, or of the whole run without any."""
        if run is None:
            return ""
        first = common if common < len(run.tokens) else 0
        found = totals_of(run.series, first)
        if found is None:
            return self.tr("no tokens yet") if run.active else self.tr("no tokens")
        where = self.tr("from token {0} on").format(f"{first + 1:,}") if first else ""
        tuned = number(found.perplexity_tuned)
        if not run.pair_names:
            parts = [where, self.tr("perplexity {0}").format(tuned)]
            return " · ".join(part for part in parts if part)
        base = number(found.perplexity_base)
        parts = [
            where,
            self.tr("perplexity {0}, under the base {1}").format(tuned, base),
            self.tr("mean shift {0}").format(bits(found.mean_shift, sign=True)),
            self.tr("flips: {0} of {1} tokens").format(f"{found.flips:,}", f"{found.tokens:,}"),
        ]
        return " · ".join(part for part in parts if part)

    # Selected token

    def choose(self, index: int, place: int | None = None) -> None:
        """Mark a token in both runs and in the strip.

        Args:
            index: Its index.
            place: The run in which it was chosen, whose counterpart is marked in the other one;
                None for the same index in both.
        """
        self._chosen = index
        self._mark(index, place)
        runs = [column.run for column in self.columns if column.run]
        self._said.show_text(self._describe_match(index, place) or self._describe(runs, 0))

    def _go_to_change(self, by: int) -> None:
        """Mark the next or previous token of B whose argmax differs in A, round and round."""
        places = self._found.changed if self._found else []
        if not places:
            return
        at = -1 if self._chosen is None else self._chosen
        if by > 0:
            found = next((place for place in places if place > at), places[0])
        else:
            found = next((place for place in reversed(places) if place < at), places[-1])
        self.choose(found, 1)

    def _match(self, index: int, place: int | None) -> int | None:
        """The index of the counterpart in the other run of a token that is aligned again."""
        if self._found is None or place is None:
            return None
        return self._found.match_of(index, in_second=place == 1)

    def _describe_match(self, index: int, place: int | None) -> str:
        """A token that both have at other indices, or with another argmax; or an empty text."""
        match = self._match(index, place)
        first, second = (column.run for column in self.columns)
        if first is None or second is None or self._found is None:
            return ""
        if match is None:
            shared = self._found.shared
            if shared is None or index not in shared.changed:
                return ""
            match = index
        at = (match, index) if place == 1 else (index, match)
        return describe_match(first.tokens[at[0]], second.tokens[at[1]], first.label)

    def _mark(self, index: int | None, place: int | None = None) -> None:
        match = None if index is None else self._match(index, place)
        for at, column in enumerate(self.columns):
            column.text.choose(index if match is None or at == place else match)
        self.strip.choose(index)

    def _inspect(self) -> None:
        run = self.columns[1].run
        if run:
            self._runs.show(run)
            if self._chosen is not None:
                self._session.selection.select(self._chosen)
            window = self.parentWidget()
            if window:
                window.activateWindow()


def _shared(runs: list[Run], common: int) -> int:
    """Number of tokens that are shown as shared by two runs with ``common`` common tokens.

    While an active run repeats the other one, all tokens of both: otherwise both texts would be
    written again for every token.
    """
    if any(run.active and len(run.tokens) == common for run in runs):
        return max(len(run.tokens) for run in runs)
    return common


def show_comparison(
    session: Session,
    parent: QWidget,
    first: Run | None = None,
    second: Run | None = None,
    token: int | None = None,
) -> None:
    """Open or raise the comparison of two runs, by default of the shown run with another one.

    Args:
        session: The state of the window.
        parent: The widget that asks.
        first: A run; ``second`` is the other one.
        token: The token to mark in both.
    """
    dialog = show_once(
        parent, CompareDialog, "compare", lambda above: CompareDialog(session, above)
    )
    dialog.compare(first, second)
    if token is not None:
        dialog.choose(token)
