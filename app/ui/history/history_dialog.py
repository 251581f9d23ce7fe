"""The history dialog: finds, opens, repeats, exports and deletes past runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.history.archive import Query
from app.history.records import RunSummary
from app.ui.history.exporting import ask_export, enable_formats, fill_menu
from app.ui.history.run_details import RunDetails
from app.ui.history.run_table import MOMENT, RECIPE, TAGS, TITLE, TOKENS, RunTable
from app.ui.history.title_delegate import show_two_lines
from app.ui.state.records.history_search import FoundRuns
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.export_bar import ExportBar
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.row_table import choose_row, make_table
from app.ui.widgets.saved_bar import SavedBar
from app.ui.words.provenance_words import search_help

_SIZE = QSize(1000, 600)
_SEARCH_MS = 150
_WIDEST = {RECIPE: 150, TAGS: 110}


class HistoryDialog(QDialog):
    """Lists runs on the left and shows the selected run on the right."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._history = session.history
        self._listing = False
        self._query = Query()
        self._filtered_anew = True
        self._kept = set[str]()
        self._row_after_delete = 0
        self.setWindowTitle(self.tr("History"))
        self.resize(_SIZE)
        self._search_timer = QTimer(self, interval=_SEARCH_MS, singleShot=True)
        self._search_timer.timeout.connect(self._list)
        self._make_filters()
        self._make_table()
        self.details = RunDetails()
        self.details.tagged.connect(self._history.edits.set_tags)
        self._make_buttons()
        self._make_foot()
        self._lay_out()
        self._history.changed.connect(self._list)
        self._history.search.found.connect(self._show)
        self._history.edits.edited.connect(self._show_edits)
        self._history.edits.deleted_changed.connect(self._show_deleted)
        session.runs.run_changed.connect(self._update)
        self._list()
        self._show_deleted()
        self.search.setFocus()

    # Parts

    def _make_filters(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search in titles, prompts, texts and models"))
        self.search.setToolTip(search_help())
        self.search.setAccessibleName(self.tr("Search"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda: self._search_timer.start())
        self.tag = ChoiceBox()
        self.tag.setAccessibleName(self.tr("Tag"))
        self.tag.currentIndexChanged.connect(self._list)
        self.starred = QPushButton(self.tr("★ Starred"))
        self.starred.setCheckable(True)
        self.starred.setAutoDefault(False)
        self.starred.setAccessibleName(self.tr("Only starred runs"))
        self.starred.toggled.connect(self._list)

    def _make_table(self) -> None:
        self.runs = RunTable(self._history.rename, self)
        self.table = make_table(self.runs, self.tr("Runs"))
        show_two_lines(self.table)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.table.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(
            lambda point: self._make_menu().popup(self.table.viewport().mapToGlobal(point))
        )
        header = self.table.horizontalHeader()
        for column, width in _WIDEST.items():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(column, width)
        for column in (TOKENS, MOMENT):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.table.selectionModel().selectionChanged.connect(self._update)
        self.table.activated.connect(lambda _: self._open())
        self.star = ViewKey.STAR.action(self.table, self._star)
        self.rename = ViewKey.RENAME_STORED.action(self.table, self._rename)
        self.delete = ViewKey.DELETE_STORED.action(self.table, self._delete)
        self.undo = ViewKey.UNDELETE.action(self.table, self._undelete)

    def _make_buttons(self) -> None:
        self.open_run = QPushButton(self.tr("Open"))
        self.open_run.setProperty("role", "primary")
        self.run_again = QPushButton(self.tr("Run again"))
        self.run_again.setToolTip(
            self.tr("Repeat the run with its recipe, its seed and the α of each token")
        )
        self.recipe = QPushButton(self.tr("Open recipe"))
        self.export = QPushButton(self.tr("Export ▾"))
        self._formats = QMenu(self.export)
        fill_menu(self._formats, self._export)
        self.export.setMenu(self._formats)
        self.close_button = QPushButton(self.tr("Close"))
        for button, slot in (
            (self.open_run, self._open),
            (self.run_again, self._run_again),
            (self.recipe, self._open_recipe),
            (self.close_button, self.close),
        ):
            button.setAutoDefault(False)
            button.clicked.connect(slot)
        self.export.setAutoDefault(False)

    def _make_foot(self) -> None:
        self.message = ElidedLabel()
        self.message.setProperty("role", "caption")
        self.undo_button = QPushButton(self.tr("Undo"))
        self.undo_button.setProperty("role", "link")
        self.undo_button.setAutoDefault(False)
        self.undo_button.clicked.connect(lambda: self._undelete())
        self._empty = QLabel()
        self._empty.setProperty("role", "caption")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)

    def _lay_out(self) -> None:
        filters = QHBoxLayout()
        filters.setSpacing(SPACE)
        filters.addWidget(self.search, 4)
        filters.addWidget(self.tag, 1)
        filters.addWidget(self.starred)
        place = QFrame()
        place.setProperty("role", "card")
        self._pages = QStackedLayout()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.table)
        inside = QVBoxLayout(place)
        inside.setContentsMargins(SPACE // 2, SPACE // 2, SPACE // 2, SPACE // 2)
        inside.addLayout(self._pages)
        middle = QHBoxLayout()
        middle.setSpacing(SPACE + 4)
        middle.addWidget(place, 9)
        middle.addWidget(self.details, 4)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.message, 1)
        buttons.addWidget(self.undo_button)
        for button in (self.export, self.recipe, self.run_again, self.close_button, self.open_run):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + 4)
        layout.addLayout(filters)
        layout.addLayout(middle, 1)
        layout.addWidget(ExportBar(self._session.history.exports))
        layout.addWidget(SavedBar(self._session.saved))
        layout.addLayout(buttons)

    # The list

    def _list(self) -> None:
        """Search for the runs to list; :meth:`_show` shows them."""
        self._search_timer.stop()
        query = Query(self.search.text(), self.tag.currentData() or "", self.starred.isChecked())
        self._filtered_anew = query != self._query
        self._query = query
        self._history.search.start(self._history.reader, query)

    def _show(self, found: FoundRuns) -> None:
        if not (found.ended or self._filtered_anew):
            return  # the same runs after an edit: a part of the list would be a step back
        self._show_runs(found.runs)
        if found.ended:
            filtered = self._query != Query()
            self._empty.setText(
                self.tr("No run matches the search.")
                if filtered
                else self.tr("Every run is saved here.")
            )
            self._offer_tags(found.tags)
        self._update()

    def _show_edits(self) -> None:
        """Show an edit before it is stored."""
        self._show_runs(self.runs.all())
        self._update()

    def _show_runs(self, found: Sequence[RunSummary]) -> None:
        runs = self._history.edits.list_as_edited(found)
        if not self.runs.update(runs):
            self._listing = True
            self.runs.show(runs)
            self._choose(self._kept)
            self._listing = False
        self._pages.setCurrentIndex(1 if runs else 0)

    def _offer_tags(self, tags: Sequence[str]) -> None:
        if [self.tag.itemData(place) for place in range(self.tag.count())] == ["", *tags]:
            return
        chosen = self.tag.currentData() or ""
        with QSignalBlocker(self.tag):
            self.tag.clear()
            self.tag.addItem(self.tr("All tags"), "")
            for tag in tags:
                self.tag.addItem(tag, tag)
            self.tag.setCurrentIndex(max(self.tag.findData(chosen), 0))
        self.tag.setEnabled(bool(tags))
        if chosen and chosen not in tags:
            self._list()

    def chosen(self) -> list[RunSummary]:
        """The selected runs in the order of the table."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.runs.run(row) for row in rows]

    def _choose(self, ids: set[str]) -> None:
        """Select the first of these runs, or what took its row if none of them is listed."""
        rows = [row for row in map(self.runs.row_of, ids) if row is not None]
        if self.runs.rowCount():
            after = min(self._row_after_delete, self.runs.rowCount() - 1)
            choose_row(self.table, min(rows, default=after))
        self._row_after_delete = 0

    def _update(self) -> None:
        if self._listing:
            return
        chosen, editable = self.chosen(), self._session.editable
        self._kept = {run.id for run in chosen}
        one = len(chosen) == 1
        self.details.show_run(chosen[0] if one else None)
        self.open_run.setEnabled(one)
        self.export.setEnabled(bool(chosen))
        enable_formats(self._formats, len(chosen))
        self.rename.setEnabled(one)
        for button in (self.run_again, self.recipe):
            button.setEnabled(one and editable)
        for action in (self.star, self.delete):
            action.setEnabled(bool(chosen))
        starred = bool(chosen) and all(run.starred for run in chosen)
        self.star.setText(self.tr("Remove star") if starred else self.tr("Star"))

    # User actions

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for button in (self.open_run, self.run_again, self.recipe):
            menu.addAction(button.text(), button.click).setEnabled(button.isEnabled())
        offered = menu.addMenu(self.tr("Export"))
        fill_menu(offered, self._export)
        enable_formats(offered, len(self.chosen()))
        offered.setEnabled(self.export.isEnabled())
        menu.addSeparator()
        menu.addActions([self.star, self.rename, self.delete])
        return menu

    def _with_one(self, act: Callable[[str], None]) -> None:
        chosen = self.chosen()
        if len(chosen) == 1:
            act(chosen[0].id)

    def _open(self) -> None:
        self._leave_with(self._history.show)

    def _run_again(self) -> None:
        self._leave_with(self._history.repeat)

    def _open_recipe(self) -> None:
        self._leave_with(self._history.open_recipe)

    def _leave_with(self, act: Callable[[str], None]) -> None:
        """Act on the chosen run and close, since the window shows what comes of it."""
        if len(self.chosen()) == 1:
            self._with_one(act)
            self.close()

    def _export(self, name: str) -> None:
        chosen = [run.id for run in self.chosen()]
        if chosen:
            ask_export(self._session, chosen, name, self)

    def _star(self) -> None:
        chosen = self.chosen()
        starred = not all(run.starred for run in chosen)
        self._history.edits.star([run.id for run in chosen], starred)

    def _rename(self) -> None:
        rows = self.table.selectionModel().selectedRows(TITLE)
        if rows:
            self.table.edit(rows[0])

    def _delete(self) -> None:
        chosen = self.chosen()
        if chosen:
            self._row_after_delete = self.runs.row_of(chosen[0].id) or 0
            self._history.edits.delete(chosen)

    def _undelete(self) -> None:
        self._kept = {run.id for run in self._history.edits.deleted}
        self._history.edits.undelete()

    def _show_deleted(self) -> None:
        deleted: Sequence[RunSummary] = self._history.edits.deleted
        self.undo_button.setVisible(bool(deleted))
        self.undo.setEnabled(bool(deleted))
        if not deleted:
            self.message.show_text("")
        elif len(deleted) == 1:
            self.message.show_text(self.tr("Deleted “{0}”.").format(deleted[0].shown_title))
        else:
            self.message.show_text(self.tr("Deleted {0} runs.").format(len(deleted)))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 — Qt's name
        self.details.show_run(None)  # saves tags that are being edited
        self._history.search.cancel()
        super().closeEvent(event)


def show_history(session: Session, parent: QWidget) -> HistoryDialog:
    """Show the history, or bring it to the front."""
    return show_once(parent, HistoryDialog, "history", lambda above: HistoryDialog(session, above))
