"""Main window: the layout of panels, menus and toolbar. The state is in the session."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, QPoint, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app.ui.branches.runs_panel import RunsPanel
from app.ui.changes.changes_panel import ChangesPanel
from app.ui.chat.chat_header import ChatHeader
from app.ui.chat.chat_view import ChatView
from app.ui.chat.mode_switch import ModeSwitch
from app.ui.icons import icon
from app.ui.inspector.inspector import Inspector
from app.ui.low_window import save_space
from app.ui.menus.edit_menu import EditMenu
from app.ui.menus.file_menu import FileMenu
from app.ui.menus.generate_menu import GenerateMenu
from app.ui.menus.help_menu import HelpMenu
from app.ui.menus.inspect_menu import InspectMenu
from app.ui.menus.models_menu import ModelsMenu
from app.ui.menus.runs_menu import RunsMenu
from app.ui.menus.token_actions import TokenActions
from app.ui.menus.view_menu import ViewMenu
from app.ui.message_bars import add_bars
from app.ui.new_recipe.new_recipe_dialog import show_new_recipe
from app.ui.plot.plot_hint import PlotHint
from app.ui.recipe import recipe_files
from app.ui.recipe.recipe_column import RecipeColumn
from app.ui.state.last_runs import LastRuns
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.status_bar import fill_status_bar
from app.ui.summary.summary_panel import SummaryPanel
from app.ui.text.find_bar import FindBar
from app.ui.text.prompt_editor import PromptEditor
from app.ui.text.repetition_bar import RepetitionBar
from app.ui.text.run_models_bar import RunModelsBar
from app.ui.text.text_matches import SearchedText
from app.ui.text.tint_hint import TintHint
from app.ui.text.transcript import TranscriptView
from app.ui.theme import SPACE, current_theme
from app.ui.train.train_opener import dropped_texts, show_training
from app.ui.what_if.what_if_bar import WhatIfBar
from app.ui.widgets.cards import card, fill
from app.ui.widgets.detach_button import DetachButton
from app.ui.widgets.pages import show_page
from app.ui.widgets.side_tabs import SideTabs
from app.ui.widgets.tab_order import move_focus
from app.ui.widgets.window_panels import WindowPanels

_TYPING_MS = 300
"""Delay between typing and saving the prompt."""
_SIZE = QSize(1280, 800)
_MINIMUM = QSize(900, 560)
_COLUMNS = (276, 664, 340)
_ROWS = (400, 210)


class MainWindow(QMainWindow):
    """Recipe at the left, prompt, text and plot in the middle, the selected token at the right.

    Args:
        session: The state of the window.
        store: Stores geometry and prompt between starts.
    """

    painted = Signal()
    """The window was painted for the first time; slow work may start."""
    closed = Signal()

    def __init__(self, session: Session, store: QSettings) -> None:
        super().__init__()
        self._session = session
        self._store = store
        self._was_painted = False
        self._sample_prompt = session.recipe.sample_prompt
        self._opened_prompt = ""
        self._typed = QTimer(self, interval=_TYPING_MS, singleShot=True)
        self._typed.timeout.connect(self.remember_prompt)
        self.setMinimumSize(_MINIMUM)
        self.prompt = PromptEditor(session.display)
        self.prompt.text_changed.connect(self._offer_prompt)
        self.prompt.presets.failed.connect(session.report)
        self.prompt.set_text(self._sample_prompt)
        self.prompt.offer_examples(session.recipe.prompts)
        session.history.shown.connect(self._take_prompt)
        self.transcript = TranscriptView(session)
        self.transcript.new_recipe_wanted.connect(lambda: show_new_recipe(session, self))
        self.chat = ChatView(session)
        self._chat_header = ChatHeader(session)
        self._texts = QStackedWidget()
        self._what_if = WhatIfBar(session)
        self._plot_place = card()
        self._tint_hint = TintHint(session)
        self._plot_hint = PlotHint(session)
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._rows = QSplitter(Qt.Orientation.Vertical)
        self._middle = QWidget()
        self.last_runs = LastRuns(session, store, self)
        self.find_bar = FindBar(session, self._texts_to_search)
        self._panels = WindowPanels(self, self._rows, self._plot_place, session.display)
        self.setAcceptDrops(True)
        self._make_menus()
        self._make_toolbar()
        self._lay_out()
        self._restore()
        session.prompt_changed.connect(self._on_typed)
        fill_status_bar(self.statusBar(), session)
        session.recipe_changed.connect(self._on_recipe_changed)
        session.runs.run_changed.connect(self._update_title)
        session.mode.changed.connect(self._show_mode)
        self._update_title()
        self._show_mode()
        self._focus_field()

    def add_plot(self) -> None:
        """Add the plot; called after the first paint, since importing pyqtgraph is slow."""
        from app.ui.plot.shift_plot import ShiftPlot

        layout = self._plot_place.layout()
        if layout is not None:
            plot = ShiftPlot(self._session)
            plot.add_button(DetachButton(self._panels))
            layout.addWidget(plot)
            layout.addWidget(self._plot_hint)
            hints = (self._tint_hint, self._plot_hint)
            save_space(self._middle, self._session.display, self._panels, self.prompt, plot, hints)
        self._panels.restore_plot()

    # Layout

    def _lay_out(self) -> None:
        text = card()
        models = RunModelsBar(self._session)
        self._texts.addWidget(self.transcript)
        self._texts.addWidget(self.chat)
        fill(text, models, self._texts, self._tint_hint, RepetitionBar(self._session))
        fill(self._plot_place)
        self._rows.addWidget(text)
        self._rows.addWidget(self._plot_place)
        self._rows.setSizes(_ROWS)
        self._rows.setStretchFactor(0, 1)
        switch = ModeSwitch(self._session)
        switch.chosen.connect(self._focus_field)
        mode = QHBoxLayout()
        mode.setSpacing(2 * SPACE)
        mode.addWidget(switch, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        mode.addWidget(self._chat_header, 1)
        layout = QVBoxLayout(self._middle)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE + 4)
        layout.setSpacing(SPACE)
        add_bars(layout, self._session)
        layout.addLayout(mode)
        for part in (self.prompt, self.find_bar, self._what_if):
            layout.addWidget(part)
        layout.addWidget(self._rows, 1)
        left, right = SideTabs(self.tr("Left column")), SideTabs(self.tr("Right column"))
        left.addTab(RecipeColumn(self._session), self.tr("Recipe"))
        left.addTab(RunsPanel(self._session), self.tr("Runs"))
        right.addTab(Inspector(self._session), self.tr("Token"))
        right.addTab(ChangesPanel(self._session), self.tr("Changes"))
        right.addTab(SummaryPanel(self._session), self.tr("Summary"))
        self._right = right
        self._panels.set_columns(left, right)
        for panel in (left, self._middle, right):
            self._columns.addWidget(panel)
        self._columns.setSizes(_COLUMNS)
        self._columns.setStretchFactor(1, 4)
        self._columns.setStretchFactor(2, 1)
        self._shape_splitters()
        self.setCentralWidget(self._columns)

    def _shape_splitters(self) -> None:
        """Set fixed properties of the splitters, which a damaged saved state may change."""
        for splitter, orientation, width in (
            (self._columns, Qt.Orientation.Horizontal, 1),
            (self._rows, Qt.Orientation.Vertical, SPACE),
        ):
            splitter.setOrientation(orientation)
            splitter.setHandleWidth(width)
            splitter.setChildrenCollapsible(False)

    # Menus and toolbar

    def _make_menus(self) -> None:
        session = self._session
        self._generate_menu = GenerateMenu(session, self, lambda: self.prompt.text, self.chat)
        self._inspect_menu = InspectMenu(session, self, self._what_if)
        self._runs_menu = RunsMenu(session, self, self._place_of, self._what_if)
        forks = self._runs_menu.token_actions
        for menu in (
            FileMenu(session, self),
            EditMenu(session, self, self.find_bar),
            ViewMenu(session, self, self._panels),
            ModelsMenu(session, self),
            self._generate_menu,
            self._runs_menu,
            self._inspect_menu,
            TokenActions(session, self, forks, self.find_bar),
            HelpMenu(session, self),
        ):
            self.menuBar().addMenu(menu)

    def _make_toolbar(self) -> None:
        bar = QToolBar(self.tr("Actions"))
        bar.setObjectName("actions")
        bar.setMovable(False)
        bar.setIconSize(QSize(16, 16))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        run, inspect = self._generate_menu, self._inspect_menu
        bar.addActions([run.generate, run.stop])
        bar.widgetForAction(run.generate).setProperty("role", "primary")
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(gap)
        bar.addActions([inspect.previous, inspect.next])
        self.addToolBar(bar)
        self._update_icons()

    def _update_icons(self) -> None:
        theme = current_theme()
        run, inspect = self._generate_menu, self._inspect_menu
        run.generate.setIcon(icon("generate", theme.on_accent, theme.muted))
        run.stop.setIcon(icon("stop", theme.text, theme.muted))
        inspect.next.setIcon(icon("next", theme.text, theme.muted))
        inspect.previous.setIcon(icon("previous", theme.text, theme.muted))

    def _update_title(self) -> None:
        # Qt appends the application's name to other titles.
        running = self._session.runs.running
        self.setWindowTitle(self.tr("Generating …") if running else "Tuneshift")

    def _show_mode(self) -> None:
        """Show the prompt with its text, or the conversation."""
        chat = self._session.mode.chat
        writing = any(part.isAncestorOf(self.focusWidget()) for part in (self.prompt, self._texts))
        self.prompt.setVisible(not chat)
        self._chat_header.setVisible(chat)
        show_page(self._texts, self.chat if chat else self.transcript)
        if writing:  # else Qt would focus whatever comes after the part that is hidden
            self._focus_field()
        self.chat.offer_prompt()
        self._offer_prompt()

    def _offer_prompt(self) -> None:
        if not self._session.mode.chat:
            self._session.set_prompt(self.prompt.text)

    def _focus_field(self) -> None:
        """Give the keyboard focus to the prompt, or to the entry of messages."""
        if self._session.mode.chat:
            self.chat.entry.setFocus()
        else:
            self.prompt.focus()

    def _texts_to_search(self, focused: QWidget | None) -> list[SearchedText]:
        """The conversation or the text, or the field of the prompt if it had the focus."""
        if self.prompt.isVisible() and focused is self.prompt.edit:
            return [SearchedText(self.prompt.edit)]
        text = [SearchedText(self.transcript.text)]
        return self.chat.searched if self._session.mode.chat else text

    def _place_of(self, token: int) -> QPoint:
        """The place of a token of the shown run on the screen."""
        turn = self.chat.current
        answer = turn.answer.tokens if turn else None
        return (answer or self.transcript.text).place_below(token)

    def _on_recipe_changed(self) -> None:
        """Show the sample prompt of the new recipe unless the user has typed a prompt."""
        sample = self._session.recipe.sample_prompt
        if sample != self._sample_prompt and self.prompt.text in ("", self._sample_prompt):
            self.prompt.set_text(sample)
        self._sample_prompt = sample
        self.prompt.offer_examples(self._session.recipe.prompts)

    def _take_prompt(self, run: Run) -> None:
        """Show the prompt of an opened run unless the user has typed a prompt."""
        prompt = run.prompt
        if isinstance(prompt, str) and self.prompt.text in (
            "",
            self._sample_prompt,
            self._opened_prompt,
        ):
            self.prompt.set_text(prompt)
            self._opened_prompt = prompt

    # Remembered state

    def _restore(self) -> None:
        self.resize(_SIZE.boundedTo(self.screen().availableSize()))
        for name, restore in (
            ("geometry", self.restoreGeometry),
            ("columns", self._columns.restoreState),
            ("rows", self._rows.restoreState),
        ):
            saved = self._store.value(name)
            if isinstance(saved, QByteArray):
                restore(saved)
        self._shape_splitters()
        # The window has no command to leave full-screen mode.
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)
        self._panels.restore(self._store)
        self._session.display.restore(self._store)
        self._session.mode.restore(self._store)
        self._session.serving.restore(self._store)
        self._session.evaluations.restore(self._store)
        self._right.restore(self._store, "right panel")
        message = self._store.value("message")
        if isinstance(message, str):
            self.chat.entry.setPlainText(message)
        prompt = self._store.value("prompt")
        if isinstance(prompt, str) and prompt:
            self.prompt.set_text(prompt)

    def remember(self) -> None:
        """Save the state that the next start restores."""
        self._store.setValue("geometry", self.saveGeometry())
        self._store.setValue("columns", self._columns.saveState())
        self._store.setValue("rows", self._rows.saveState())
        self.remember_prompt()
        self.last_runs.remember()
        self._panels.remember(self._store)
        self._session.display.remember(self._store)
        self._session.mode.remember(self._store)
        self._session.serving.remember(self._store)
        self._session.evaluations.remember(self._store)
        self._right.remember(self._store, "right panel")
        self._store.sync()

    def _on_typed(self) -> None:
        if not self._typed.isActive():
            self._typed.start()

    def remember_prompt(self) -> None:
        """Save the typed prompt and message, so that even a crash does not lose them."""
        self._typed.stop()
        self._store.setValue("prompt", self.prompt.text)
        self._store.setValue("message", self.chat.entry.toPlainText())
        self._store.sync()

    # Events

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 — Qt's name
        return move_focus(self, forward=forward)

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
        texts = dropped_texts(event.mimeData())
        model = recipe_files.dropped_model(self._session, event.mimeData())
        if texts:
            show_training(self._session, self, texts)
        elif model:
            show_new_recipe(self._session, self, model)
        else:
            recipe_files.drop(self._session, event.mimeData())
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 — Qt's name
        self.remember()
        self._session.downloads.close()
        self._session.local_models.close()
        self._session.serving.close()
        self.find_bar.stop()
        event.accept()
        self.closed.emit()
