"""Runs tab: the tree of the window's runs and their branches."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedLayout,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.ui.branches.run_delegate import RunDelegate
from app.ui.branches.run_tree import RunTree
from app.ui.compare.compare_dialog import show_comparison
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.words.provenance_words import alphas_of, provenance_of, search_help
from app.ui.words.run_titles import RunTitles

_INDENT = 14


class _Tree(QTreeView):
    """Tree view whose context menu is for the item under the pointer and keeps the selection."""

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
        else:
            super().mousePressEvent(event)


class RunsPanel(QFrame):
    """Tree of runs. Selecting a run shows it; two selected runs can be compared."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._runs = session.runs
        self._marking = False
        self._words = RunTitles(self)
        self.setProperty("role", "side")
        self.model = RunTree(session.runs, self)
        self.tree = self._make_tree()
        self._actions = self._make_actions()
        self._empty = QLabel(
            self.tr(
                "The runs of this window and their branches are listed here.\n\nTo start a "
                "branch, choose another candidate at a token of a run."
            )
        )
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "caption")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setMargin(2 * SPACE)
        self.search = self._make_search()
        self.provenance = QLabel()
        self.provenance.setProperty("role", "caption")
        self.provenance.setTextFormat(Qt.TextFormat.PlainText)
        self.provenance.setWordWrap(True)
        self.provenance.setMargin(SPACE)
        self._provenance_of: tuple[object, ...] | None = None
        self._removed = ElidedLabel()
        self._removed.setProperty("role", "caption")
        self.undo = QPushButton(self.tr("Restore"))
        self.undo.setProperty("role", "link")
        self.undo.clicked.connect(session.runs.restore)
        self._foot = QFrame()
        self._lay_out()
        self.model.modelReset.connect(self._on_reset)
        session.runs.list_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        session.runs.generation.progressed.connect(self._show_provenance)
        self._on_reset()
        self._update()

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText(self.tr("Search texts, models, settings"))
        search.setToolTip(search_help())
        search.setAccessibleName(self.tr("Search the runs"))
        search.setClearButtonEnabled(True)
        search.textChanged.connect(self.model.search)
        return search

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(276, 600)

    def _make_tree(self) -> QTreeView:
        tree = _Tree()
        tree.setModel(self.model)
        tree.setItemDelegate(RunDelegate(tree))
        tree.setHeaderHidden(True)
        tree.setFrameShape(QFrame.Shape.NoFrame)
        tree.setIndentation(_INDENT)
        tree.setMouseTracking(True)
        tree.setExpandsOnDoubleClick(False)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        tree.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.DoubleClicked
        )
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tree.customContextMenuRequested.connect(self._open_menu)
        tree.setAccessibleName(self.tr("Runs and their branches"))
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tree.selectionModel().selectionChanged.connect(self._on_selection)
        return tree

    def _make_actions(self) -> list[QAction]:
        """Actions on the selected runs, with shortcuts that work while the tree has the focus."""
        return [
            ViewKey.RENAME_RUN.action(self.tree, lambda: self.tree.edit(self.tree.currentIndex())),
            ViewKey.COMPARE_RUNS.action(self.tree, self.compare_chosen),
            ViewKey.REMOVE_RUN.action(self.tree, self.remove_chosen),
        ]

    def _lay_out(self) -> None:
        line = QHBoxLayout(self._foot)
        line.setContentsMargins(SPACE + 4, SPACE // 2, SPACE + 4, SPACE // 2)
        line.setSpacing(SPACE)
        line.addWidget(self._removed, 1)
        line.addWidget(self.undo)
        self._foot.setProperty("role", "foot")
        self._pages = QStackedLayout()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.tree)
        above = QHBoxLayout()
        above.setContentsMargins(SPACE, 0, SPACE, SPACE // 2)
        above.addWidget(self.search)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE // 2, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(above)
        layout.addLayout(self._pages, 1)
        layout.addWidget(self.provenance)
        layout.addWidget(self._foot)

    # Selected runs

    def chosen(self) -> list[Run]:
        """The selected runs, oldest first."""
        indexes = self.tree.selectionModel().selectedIndexes()
        found = {self.model.run_at(index) for index in indexes}
        return [run for run in self._runs.all if run in found]

    def compare_chosen(self) -> None:
        """Compare two selected runs, or one selected run with its parent."""
        chosen = self.chosen()
        if len(chosen) == 1:
            show_comparison(self._session, self, chosen[0].parent, chosen[0])
        elif chosen:
            show_comparison(self._session, self, chosen[0], chosen[1])

    def remove_chosen(self) -> None:
        """Remove the selected runs; the last one can be restored."""
        for run in self.chosen():
            self._runs.remove(run)

    def _on_selection(self) -> None:
        chosen = self.chosen()
        if len(chosen) == 1 and not self._marking:
            self._runs.show(chosen[0])

    def _on_reset(self) -> None:
        self.tree.expandAll()
        self._mark_shown()

    def _mark_shown(self) -> None:
        """Select the item of the shown run, unless several items are selected."""
        index = self.model.index_of(self._runs.current)
        if len(self.chosen()) < 2 and index != self.tree.currentIndex():
            self._marking = True
            # The view would add to the selection while Ctrl is held, as in Ctrl+Enter.
            self.tree.selectionModel().setCurrentIndex(
                index, QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
            self._marking = False
            self.tree.scrollTo(index)

    def _update(self) -> None:
        self._pages.setCurrentIndex(1 if self._runs.all else 0)
        self.search.setVisible(bool(self._runs.all))
        self._show_provenance()
        removed = self._runs.removed.last
        self._foot.setVisible(removed is not None)
        if removed:
            title = self._words.title(removed)
            self._removed.show_text(self.tr("Removed {0}").format(title))
        self._mark_shown()

    def _show_provenance(self) -> None:
        run = self._runs.current
        shown = (run, run.recipe, alphas_of(run)) if run else ()
        if shown == self._provenance_of:
            return  # tokens come many times a second, and the alphas rarely change
        self._provenance_of = shown
        self.provenance.setText(provenance_of(run) if run else "")
        self.provenance.setVisible(run is not None)

    def _open_menu(self, point: QPoint) -> None:
        index = self.tree.indexAt(point)
        run = self.model.run_at(index)
        if run:
            self.make_menu(run, index).popup(self.tree.viewport().mapToGlobal(point))

    def make_menu(self, run: Run, index: QModelIndex) -> QMenu:
        """Make the context menu of a run."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        current = self._runs.current
        menu.addAction(self.tr("Show"), lambda: self._runs.show(run))
        compare = menu.addAction(
            self.tr("Compare with the shown run"),
            lambda: show_comparison(self._session, self, current, run),
        )
        compare.setEnabled(current is not None and current is not run)
        with_parent = menu.addAction(
            self.tr("Compare with its parent run"),
            lambda: show_comparison(self._session, self, run.parent, run),
        )
        with_parent.setEnabled(run.parent is not None)
        menu.addSeparator()
        menu.addAction(self.tr("Rename"), lambda: self.tree.edit(index))
        menu.addAction(self.tr("Remove"), lambda: self._runs.remove(run))
        return menu
