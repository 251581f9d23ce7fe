"""The keys of views and dialogs: the one place that declares those that no menu has."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.ui.translation import translate

_Keys = str | QKeySequence.StandardKey
_STANDARD = QKeySequence.StandardKey
_START = ("Ctrl+Return", "Ctrl+Enter")
_ENTER = ("Return", "Enter")


class View(Enum):
    """A view or a dialog that has keys of its own, in the order of the dialog of shortcuts."""

    TEXT = (lambda: translate("ViewKeys", "Tokens in the text"),)
    PLOT = (lambda: translate("ViewKeys", "Plot"),)
    FIND = (lambda: translate("ViewKeys", "Find bar"),)
    MESSAGE = (lambda: translate("ViewKeys", "Message"),)
    WHAT_IF = (lambda: translate("ViewKeys", "What if α were …"),)
    ALTERNATIVES = (lambda: translate("ViewKeys", "Alternatives of a token"),)
    ALPHA_CURVE = (lambda: translate("ViewKeys", "α curve"),)
    TABLE = (lambda: translate("ViewKeys", "Tables"),)
    RUNS = (lambda: translate("ViewKeys", "Runs"),)
    ALPHA_MAP = (lambda: translate("ViewKeys", "Map of α"),)
    COMPARE = (lambda: translate("ViewKeys", "Compare runs"),)
    ALL_ROLES = (lambda: translate("ViewKeys", "Compare all roles"),)
    QUANTIZATION = (lambda: translate("ViewKeys", "Compare quantizations"),)
    PROMPT_LIST = (lambda: translate("ViewKeys", "Many prompts"),)
    SCORE = (lambda: translate("ViewKeys", "Score a text"),)
    PROMPT_TOKENS = (lambda: translate("ViewKeys", "Prompt preview"),)
    CORRESPONDENCE = (lambda: translate("ViewKeys", "What corresponds to what"),)
    HISTORY = (lambda: translate("ViewKeys", "History"),)
    EVALUATE = (lambda: translate("ViewKeys", "Evaluate"),)
    RECIPES = (lambda: translate("ViewKeys", "Recipes"),)
    HUB = (lambda: translate("ViewKeys", "Hugging Face Hub"),)

    def __init__(self, title: Callable[[], str]) -> None:
        self._title = title

    @property
    def title(self) -> str:
        """The translated heading of the view."""
        return self._title()


class ViewKey(Enum):
    """What a key does in a view that has the keyboard focus, or anywhere in a dialog.

    A view takes its shortcuts from here by ``shortcut`` or ``action``. Where a view reads its keys
    from events, tests compare those with what is declared.
    """

    # Tokens
    TOKEN = (
        View.TEXT,
        lambda: translate("ViewKeys", "Token before or after"),
        "Left",
        "Right",
    )
    TOKEN_LINE = (
        View.TEXT,
        lambda: translate("ViewKeys", "Token on the line above or below"),
        "Up",
        "Down",
    )
    TOKEN_END = (View.TEXT, lambda: translate("ViewKeys", "First or last token"), "Home", "End")
    TOKEN_RANGE = (
        View.TEXT,
        lambda: translate("ViewKeys", "Extend the range by a token"),
        *("Shift+Left", "Shift+Right"),
    )
    TOKEN_RANGE_LINE = (
        View.TEXT,
        lambda: translate("ViewKeys", "Extend the range by a line"),
        *("Shift+Up", "Shift+Down"),
    )
    TOKEN_RANGE_END = (
        View.TEXT,
        lambda: translate("ViewKeys", "Extend the range to the end"),
        *("Shift+Home", "Shift+End"),
    )
    COPY_TOKENS = (
        View.TEXT,
        lambda: translate("ViewKeys", "Copy the selected text"),
        _STANDARD.Copy,
    )
    TOKEN_MENU = (View.TEXT, lambda: translate("ViewKeys", "Menu of the token"), "Menu")
    NO_TOKEN = (View.TEXT, lambda: translate("ViewKeys", "Select nothing"), "Esc")
    BAR = (View.PLOT, lambda: translate("ViewKeys", "Token before or after"), "Left", "Right")
    BAR_END = (View.PLOT, lambda: translate("ViewKeys", "First or last token"), "Home", "End")
    BAR_RANGE = (
        View.PLOT,
        lambda: translate("ViewKeys", "Extend the range by a token"),
        *("Shift+Left", "Shift+Right"),
    )
    BAR_RANGE_END = (
        View.PLOT,
        lambda: translate("ViewKeys", "Extend the range to the end"),
        *("Shift+Home", "Shift+End"),
    )
    BAR_MENU = (View.PLOT, lambda: translate("ViewKeys", "Menu of the token"), "Menu")
    NO_BAR = (View.PLOT, lambda: translate("ViewKeys", "Select nothing"), "Esc")

    # Fields and bars
    NEXT_MATCH = (View.FIND, lambda: translate("ViewKeys", "Next match"), *_ENTER)
    PREVIOUS_MATCH = (
        View.FIND,
        lambda: translate("ViewKeys", "Previous match"),
        *("Shift+Return", "Shift+Enter"),
    )
    LEAVE_FIND = (View.FIND, lambda: translate("ViewKeys", "Close"), "Esc")
    SEND = (View.MESSAGE, lambda: translate("ViewKeys", "Send"), *_ENTER)
    NEW_LINE = (
        View.MESSAGE,
        lambda: translate("ViewKeys", "Begin a line"),
        *("Shift+Return", "Shift+Enter"),
    )
    LEAVE_MESSAGE = (
        View.MESSAGE,
        lambda: translate("ViewKeys", "Stop editing a message"),
        "Esc",
    )
    BRANCH_WHAT_IF = (
        View.WHAT_IF,
        lambda: translate("ViewKeys", "Generate from the first different token"),
        *_ENTER,
    )
    LEAVE_WHAT_IF = (View.WHAT_IF, lambda: translate("ViewKeys", "Close"), "Esc")
    ALTERNATIVE = (
        View.ALTERNATIVES,
        lambda: translate("ViewKeys", "Candidate above or below"),
        "Up",
        "Down",
    )
    ALTERNATIVE_PAGE = (
        View.ALTERNATIVES,
        lambda: translate("ViewKeys", "A page of candidates"),
        "PgUp",
        "PgDown",
    )
    BRANCH = (View.ALTERNATIVES, lambda: translate("ViewKeys", "Branch from there"), *_ENTER)
    LEAVE_ALTERNATIVES = (View.ALTERNATIVES, lambda: translate("ViewKeys", "Close"), "Esc")
    CURVE_ALPHA = (
        View.ALPHA_CURVE,
        lambda: translate("ViewKeys", "Move the marker of α"),
        "Left",
        "Right",
    )

    # Lists of the window
    COPY_ROWS = (View.TABLE, lambda: translate("ViewKeys", "Copy"), _STANDARD.Copy)
    CHOOSE_ROW = (
        View.TABLE,
        lambda: translate("ViewKeys", "What a double click does"),
        *_ENTER,
    )
    RENAME_RUN = (View.RUNS, lambda: translate("ViewKeys", "Rename"), "F2")
    COMPARE_RUNS = (View.RUNS, lambda: translate("ViewKeys", "Compare"), *_ENTER)
    REMOVE_RUN = (View.RUNS, lambda: translate("ViewKeys", "Remove"), "Del")

    # Dialogs
    MAP_TOKEN = (
        View.ALPHA_MAP,
        lambda: translate("ViewKeys", "Token before or after"),
        "Left",
        "Right",
    )
    MAP_TOKEN_END = (
        View.ALPHA_MAP,
        lambda: translate("ViewKeys", "First or last token"),
        "Home",
        "End",
    )
    MAP_RANGE = (
        View.ALPHA_MAP,
        lambda: translate("ViewKeys", "Extend the range by a token"),
        *("Shift+Left", "Shift+Right"),
    )
    MAP_RANGE_END = (
        View.ALPHA_MAP,
        lambda: translate("ViewKeys", "Extend the range to the end"),
        *("Shift+Home", "Shift+End"),
    )
    MAP_ALPHA = (View.ALPHA_MAP, lambda: translate("ViewKeys", "Higher or lower α"), "Up", "Down")
    MAP_ALPHA_PAGE = (
        View.ALPHA_MAP,
        lambda: translate("ViewKeys", "α by ten values"),
        "PgUp",
        "PgDown",
    )
    MAP_WHAT_IF = (View.ALPHA_MAP, lambda: translate("ViewKeys", "What if α were this"), *_ENTER)
    NEXT_CHANGE = (View.COMPARE, lambda: translate("ViewKeys", "Next change"), "F8")
    PREVIOUS_CHANGE = (View.COMPARE, lambda: translate("ViewKeys", "Previous change"), "Shift+F8")
    COMPARED_TOKEN = (
        View.COMPARE,
        lambda: translate("ViewKeys", "Token before or after"),
        "Left",
        "Right",
    )
    COMPARED_END = (
        View.COMPARE,
        lambda: translate("ViewKeys", "First or last token, in the strip"),
        "Home",
        "End",
    )
    ASK_ALL = (View.ALL_ROLES, lambda: translate("ViewKeys", "Generate"), *_START)
    STOP_ALL = (View.ALL_ROLES, lambda: translate("ViewKeys", "Stop"), "Esc")
    SCORE_AND_COMPARE = (
        View.QUANTIZATION,
        lambda: translate("ViewKeys", "Score and compare"),
        *_START,
    )
    GENERATE_LIST = (View.PROMPT_LIST, lambda: translate("ViewKeys", "Generate"), *_START)
    PASTE_LINES = (
        View.PROMPT_LIST,
        lambda: translate("ViewKeys", "Paste lines"),
        _STANDARD.Paste,
    )
    SCORE = (View.SCORE, lambda: translate("ViewKeys", "Score"), *_START)
    COPY_TEXT = (
        View.PROMPT_TOKENS,
        lambda: translate("ViewKeys", "Copy the text"),
        _STANDARD.Copy,
    )
    COPY_JSON = (
        View.PROMPT_TOKENS,
        lambda: translate("ViewKeys", "Copy all numbers as JSON"),
        "Ctrl+Shift+C",
    )
    NEXT_SAME = (
        View.PROMPT_TOKENS,
        lambda: translate("ViewKeys", "Next same token"),
        "Alt+Shift+Down",
    )
    PREVIOUS_SAME = (
        View.PROMPT_TOKENS,
        lambda: translate("ViewKeys", "Previous same token"),
        "Alt+Shift+Up",
    )
    NEXT_DIFFERENCE = (View.PROMPT_TOKENS, lambda: translate("ViewKeys", "Next difference"), "F8")
    PREVIOUS_DIFFERENCE = (
        View.PROMPT_TOKENS,
        lambda: translate("ViewKeys", "Previous difference"),
        "Shift+F8",
    )
    BOX = (
        View.CORRESPONDENCE,
        lambda: translate("ViewKeys", "Token before or after"),
        "Left",
        "Right",
    )
    BOX_LINE = (
        View.CORRESPONDENCE,
        lambda: translate("ViewKeys", "Token on the line above or below"),
        "Up",
        "Down",
    )
    BOX_END = (
        View.CORRESPONDENCE,
        lambda: translate("ViewKeys", "First or last token"),
        "Home",
        "End",
    )
    STAR = (View.HISTORY, lambda: translate("ViewKeys", "Star"), "Ctrl+B")
    RENAME_STORED = (View.HISTORY, lambda: translate("ViewKeys", "Rename"), "F2")
    DELETE_STORED = (View.HISTORY, lambda: translate("ViewKeys", "Delete"), _STANDARD.Delete)
    UNDELETE = (View.HISTORY, lambda: translate("ViewKeys", "Undo delete"), _STANDARD.Undo)
    EVALUATE = (View.EVALUATE, lambda: translate("ViewKeys", "Evaluate"), *_START)
    REMOVE_TASK = (
        View.EVALUATE,
        lambda: translate("ViewKeys", "Remove a task that you added"),
        "Del",
    )
    INTO_RECIPES = (
        View.RECIPES,
        lambda: translate("ViewKeys", "From the filter to the list"),
        "Down",
    )
    INTO_RESULTS = (
        View.HUB,
        lambda: translate("ViewKeys", "From the search to the results"),
        "Down",
    )

    def __init__(self, view: View, text: Callable[[], str], *keys: _Keys) -> None:
        self.view = view
        self._text = text
        self._keys = keys

    @property
    def text(self) -> str:
        """The translated name of what the key does."""
        return self._text()

    @property
    def keys(self) -> list[QKeySequence]:
        """The keys, each of which does it."""
        return [QKeySequence(key) for key in self._keys]

    def shortcut(
        self,
        owner: QWidget,
        slot: Callable[[], object],
        context: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
    ) -> None:
        """Call ``slot`` when the key is pressed in the window of ``owner``.

        Args:
            owner: The dialog; with a narrower ``context`` the widget that needs the focus.
            slot: What the key does.
            context: Where the key works.
        """
        made = QShortcut(owner)
        made.setKeys(self.keys)
        made.setContext(context)
        made.activated.connect(slot)

    def action(self, owner: QWidget, slot: Callable[[], object]) -> QAction:
        """Add an action to ``owner`` whose key works while ``owner`` has the focus."""
        action = QAction(self.text, owner)
        action.setShortcuts(self.keys)
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(lambda _=False: slot())
        owner.addAction(action)
        return action
