"""The window: lays the panels out and holds the actions. What they do is in the session."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QMainWindow,
    QSizePolicy,
    QSplitter,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app.ui import about
from app.ui.icons import icon
from app.ui.inspector.inspector import Inspector
from app.ui.models.cache_dialog import CacheDialog
from app.ui.models.download_bar import DownloadBar
from app.ui.models.hub_dialog import HubDialog
from app.ui.models.memory_dialog import show_memory
from app.ui.preferences import PreferencesDialog
from app.ui.problem_banner import ProblemBanner
from app.ui.recipe import recipe_files
from app.ui.recipe.prompt_preview import show_preview
from app.ui.recipe.recipe_column import RecipeColumn
from app.ui.recipe.recipe_library import show_library
from app.ui.recipe.vocabulary_view import show_vocabulary
from app.ui.session import LoadState, Session
from app.ui.status_line import StatusLine
from app.ui.text.prompt_editor import PromptEditor
from app.ui.text.transcript import TranscriptView
from app.ui.theme import SPACE, current_theme

_SIZE = QSize(1280, 800)
_MINIMUM = QSize(900, 560)
_COLUMNS = (276, 664, 340)
_ROWS = (400, 210)


class MainWindow(QMainWindow):
    """Recipe at the left, text and plot in the middle, the selected token at the right.

    Args:
        session: The state that everything shows.
        memory: Where geometry and the prompt are remembered.
    """

    painted = Signal()
    """The window has been shown for the first time; what is slow may start."""
    closed = Signal()

    def __init__(self, session: Session, memory: QSettings) -> None:
        super().__init__()
        self._session = session
        self._memory = memory
        self._was_painted = False
        self._sample_prompt = session.recipe.sample_prompt
        self.setMinimumSize(_MINIMUM)
        self.prompt = PromptEditor()
        self.prompt.text_changed.connect(session.set_prompt)
        self.prompt.set_text(self._sample_prompt)
        self.transcript = TranscriptView(session)
        self._plot_place = _card()
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._rows = QSplitter(Qt.Orientation.Vertical)
        self.setAcceptDrops(True)
        self._make_actions()
        self._make_menus()
        self._make_toolbar()
        self._lay_out()
        self._restore()
        self.statusBar().addPermanentWidget(StatusLine(session), 1)
        self.statusBar().setSizeGripEnabled(False)
        session.recipe_changed.connect(self._on_recipe_changed)
        session.runs.run_changed.connect(self._update_actions)
        session.load_changed.connect(self._update_actions)
        session.runs.tokens_added.connect(self._update_actions)
        self._update_actions()
        self.prompt.focus()

    def add_plot(self) -> None:
        """Make the plot; its library takes a while to import, so this waits for the first paint."""
        from app.ui.plot.shift_plot import ShiftPlot

        layout = self._plot_place.layout()
        if layout is not None:
            layout.addWidget(ShiftPlot(self._session))

    # Layout

    def _lay_out(self) -> None:
        text = _card()
        _fill(text, self.transcript)
        _fill(self._plot_place)
        self._rows.addWidget(text)
        self._rows.addWidget(self._plot_place)
        self._rows.setSizes(_ROWS)
        self._rows.setStretchFactor(0, 1)
        self._rows.setHandleWidth(SPACE)
        self._rows.setChildrenCollapsible(False)
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE + 4)
        layout.setSpacing(SPACE)
        layout.addWidget(ProblemBanner(self._session))
        layout.addWidget(DownloadBar(self._session.downloads))
        layout.addWidget(self.prompt)
        layout.addWidget(self._rows, 1)
        for panel in (RecipeColumn(self._session), middle, Inspector(self._session)):
            self._columns.addWidget(panel)
        self._columns.setSizes(_COLUMNS)
        self._columns.setStretchFactor(1, 1)
        self._columns.setHandleWidth(1)
        self._columns.setChildrenCollapsible(False)
        self.setCentralWidget(self._columns)

    # Actions

    def _make_actions(self) -> None:
        session = self._session
        self._generate = self._action(self.tr("Generate"), self._on_generate)
        self._generate.setShortcuts([QKeySequence("Ctrl+Return"), QKeySequence("Ctrl+Enter")])
        self._generate.setToolTip(self.tr("Continue the prompt (Ctrl+Enter)"))
        self._stop = self._action(self.tr("Stop"), session.runs.stop, "Esc")
        self._stop.setToolTip(self.tr("Stop after this token (Esc)"))
        self._next = self._action(
            self.tr("Next change"), lambda: session.selection.move_to_flip(1), "Ctrl+Down"
        )
        self._next.setToolTip(self.tr("The next token that the experts changed (Ctrl+Down)"))
        self._previous = self._action(
            self.tr("Previous change"), lambda: session.selection.move_to_flip(-1), "Ctrl+Up"
        )
        self._previous.setToolTip(self.tr("The token before that the experts changed (Ctrl+Up)"))

    def _action(
        self, text: str, slot: object, shortcut: str | QKeySequence.StandardKey | None = None
    ) -> QAction:
        action = QAction(text, self)
        if shortcut is not None:
            action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(slot)
        return action

    def _make_menus(self) -> None:
        bar, session = self.menuBar(), self._session
        stack = session.undo_stack
        keys = QKeySequence.StandardKey
        file = bar.addMenu(self.tr("&File"))
        self._opening = [
            self._action(
                self.tr("&Open recipe …"), lambda: recipe_files.ask_open(session, self), keys.Open
            ),
            self._action(
                self.tr("Recipe &library …"), lambda: show_library(session, self), "Ctrl+L"
            ),
        ]
        file.addActions(self._opening)
        file.addAction(
            self._action(
                self.tr("&Save recipe as …"),
                lambda: recipe_files.ask_save(session, self),
                "Ctrl+Shift+S",
            )
        )
        file.addSeparator()
        file.addAction(self._action(self.tr("&Preferences …"), self._open_preferences, "Ctrl+,"))
        file.addSeparator()
        file.addAction(self._action(self.tr("&Quit"), self.close, keys.Quit))
        edit = bar.addMenu(self.tr("&Edit"))
        undo = stack.createUndoAction(self, self.tr("&Undo"))
        undo.setShortcut(keys.Undo)
        redo = stack.createRedoAction(self, self.tr("&Redo"))
        redo.setShortcut(keys.Redo)
        edit.addActions([undo, redo])
        models = bar.addMenu(self.tr("&Models"))
        models.addAction(
            self._action(
                self.tr("From the &Hub …"), lambda: HubDialog(session, 0, self).open(), "Ctrl+H"
            )
        )
        models.addAction(
            self._action(self.tr("&Downloaded models …"), lambda: CacheDialog(session, self).open())
        )
        run = bar.addMenu(self.tr("&Run"))
        run.addActions([self._generate, self._stop])
        run.addSeparator()
        run.addAction(
            self._action(self.tr("&Load models again"), lambda: session.load(fresh=True), "Ctrl+R")
        )
        self._cancel = self._action(self.tr("&Cancel loading"), session.cancel_load)
        run.addAction(self._cancel)
        run.addSeparator()
        run.addAction(self._action(self.tr("&Prompt preview …"), self._preview, "Ctrl+Shift+P"))
        run.addAction(
            self._action(self.tr("&Vocabulary …"), lambda: show_vocabulary(session, self))
        )
        run.addAction(self._action(self.tr("&Memory …"), lambda: show_memory(session, self)))
        inspect = bar.addMenu(self.tr("&Inspect"))
        inspect.addActions([self._next, self._previous])
        inspect.addSeparator()
        inspect.addAction(
            self._action(self.tr("Next token"), lambda: session.selection.move(1), "Alt+Right")
        )
        inspect.addAction(
            self._action(self.tr("Previous token"), lambda: session.selection.move(-1), "Alt+Left")
        )
        helps = bar.addMenu(self.tr("&Help"))
        helps.addAction(
            self._action(
                self.tr("&Keyboard shortcuts"),
                lambda: about.show_shortcuts(self),
                keys.HelpContents,
            )
        )
        helps.addAction(
            self._action(self.tr("&About Tuneshift"), lambda: about.show_about(self, session))
        )

    def _make_toolbar(self) -> None:
        bar = QToolBar(self.tr("Actions"))
        bar.setObjectName("actions")
        bar.setMovable(False)
        bar.setIconSize(QSize(16, 16))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.addActions([self._generate, self._stop])
        bar.widgetForAction(self._generate).setProperty("role", "primary")
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(gap)
        bar.addActions([self._previous, self._next])
        self.addToolBar(bar)
        self._toolbar = bar
        self._update_icons()

    def _update_icons(self) -> None:
        theme = current_theme()
        self._generate.setIcon(icon("generate", theme.on_accent, theme.muted))
        self._stop.setIcon(icon("stop", theme.text, theme.muted))
        self._next.setIcon(icon("next", theme.text, theme.muted))
        self._previous.setIcon(icon("previous", theme.text, theme.muted))

    def _update_actions(self) -> None:
        session, run = self._session, self._session.runs.current
        self._generate.setEnabled(not session.runs.running)
        self._stop.setEnabled(session.runs.running)
        self._cancel.setEnabled(session.load_state is LoadState.LOADING)
        # The application's name is added to the title where there is another one.
        self.setWindowTitle(self.tr("Generating …") if session.runs.running else "Tuneshift")
        for action in self._opening:
            action.setEnabled(session.editable)
        for action in (self._next, self._previous):
            action.setEnabled(run is not None and bool(run.tokens))

    def _on_generate(self) -> None:
        self._session.runs.generate(self.prompt.text)

    def _preview(self) -> None:
        show_preview(self._session, self)

    def _open_preferences(self) -> None:
        PreferencesDialog(self._session, self).open()

    def _on_recipe_changed(self) -> None:
        """Offer the new recipe's sample prompt unless the person has typed a prompt."""
        sample = self._session.recipe.sample_prompt
        if sample != self._sample_prompt and self.prompt.text in ("", self._sample_prompt):
            self.prompt.set_text(sample)
        self._sample_prompt = sample

    # Remembered state

    def _restore(self) -> None:
        self.resize(_SIZE.boundedTo(self.screen().availableSize()))
        for name, restore in (
            ("geometry", self.restoreGeometry),
            ("columns", self._columns.restoreState),
            ("rows", self._rows.restoreState),
        ):
            saved = self._memory.value(name)
            if isinstance(saved, QByteArray):
                restore(saved)
        prompt = self._memory.value("prompt")
        if isinstance(prompt, str) and prompt:
            self.prompt.set_text(prompt)

    def remember(self) -> None:
        """Write down what the next start is to find again."""
        self._memory.setValue("geometry", self.saveGeometry())
        self._memory.setValue("columns", self._columns.saveState())
        self._memory.setValue("rows", self._rows.saveState())
        self._memory.setValue("prompt", self.prompt.text)
        self._memory.sync()

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self.painted.emit)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._update_icons()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 — Qt's name
        if recipe_files.has_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 — Qt's name
        recipe_files.drop(self._session, event.mimeData())
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 — Qt's name
        self.remember()
        self._session.downloads.close()
        event.accept()
        self.closed.emit()


def _card() -> QFrame:
    card = QFrame()
    card.setProperty("role", "card")
    return card


def _fill(card: QFrame, *widgets: QWidget) -> None:
    layout = QVBoxLayout(card)
    layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
    layout.setSpacing(SPACE // 2)
    for widget in widgets:
        layout.addWidget(widget)
