"""The memory dialog: parts of the memory estimate, and changes that reduce memory."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.preflight_report import DeviceMemory, MemoryChange, MemoryEstimate
from app.checkpoints.spec import Recipe
from app.ui.models.memory_change_words import change_title
from app.ui.models.memory_parts import part_color, part_title
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE, current_theme
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.form_controls import NumberBox
from app.ui.widgets.tab_order import OrderedDialog
from app.wording import size

_WIDTH = 340
"""Minimum width of the field for the context in pixels; a fixed width would limit the dialog."""

_SWATCH = 10
_LONGEST = 10_000_000


class MemoryDialog(OrderedDialog):
    """Shows the estimate of the current recipe; applies a change with one click, with undo."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._content: QWidget | None = None
        self._use_rows: list[tuple[QLabel, QLabel]] = []
        self._changes: list[QPushButton] = []
        self.setWindowTitle(self.tr("Memory"))
        self.context = NumberBox(0, _LONGEST, 256, 0, self.tr("models' maximum"))
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._anyway = QPushButton(self.tr("Load anyway"))
        self._anyway.setToolTip(self.tr("The system may end the program when memory runs out."))
        self._anyway.clicked.connect(lambda: session.load(although_full=True))
        self._buttons.addButton(self._anyway, QDialogButtonBox.ButtonRole.ActionRole)
        self._buttons.rejected.connect(self.reject)
        for button in self._buttons.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter in the number field must not press a button
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        self._layout.setSpacing(2 * SPACE)
        self._layout.addLayout(self._make_context())
        self._layout.addWidget(self._buttons)
        session.preflight_changed.connect(self._update)
        session.load_changed.connect(self._show_use)
        session.memory_use.changed.connect(self._show_use)
        session.recipe_changed.connect(self._update_controls)
        session.runs.run_changed.connect(self._update_controls)
        self._update()

    def _make_context(self) -> QHBoxLayout:
        label = QLabel(self.tr("&Context"))
        label.setBuddy(self.context)
        about = self.tr("Maximum number of tokens of prompt and generated text together.")
        self.context.setAccessibleName(self.tr("Context"))
        self.context.setToolTip(about)
        self.context.setMinimumWidth(_WIDTH)
        self.context.setKeyboardTracking(False)  # each change reloads the models
        self.context.valueChanged.connect(lambda value: self._session.set_context(int(value)))
        row = QHBoxLayout()
        row.setSpacing(2 * SPACE)
        row.addWidget(label)
        row.addWidget(self.context, 1)
        return row

    # Updates from the session

    def _update(self) -> None:
        had_focus = self.focusWidget() in self._changes
        if self._content:
            self._layout.removeWidget(self._content)
            self._content.hide()
            self._content.deleteLater()
        self._changes = []
        self._use_rows = []
        self._content = self._make_content()
        self._layout.insertWidget(0, self._content)
        self._content.show()
        self.resize(self.size().expandedTo(self.sizeHint()))
        self._update_controls()
        if had_focus:
            self._buttons.button(QDialogButtonBox.StandardButton.Close).setFocus()

    def _update_controls(self) -> None:
        found, editable = self._session.current_preflight, self._session.editable
        self.context.show_value(self._session.recipe.context)
        self.context.setEnabled(editable)
        self._anyway.setVisible(found is not None and not found.memory.fits)
        self._anyway.setEnabled(editable)
        for button in self._changes:
            button.setEnabled(editable)

    def _make_content(self) -> QWidget:
        content, found = QWidget(), self._session.current_preflight
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        if found is None:
            problem = self._session.check_problem
            loading = self._session.load_state in (LoadState.STARTING, LoadState.LOADING)
            waiting = (
                self.tr("The memory is being estimated …")
                if loading
                else self.tr("The memory has not been estimated yet.")
            )
            text = str(problem) if problem else waiting
            layout.addWidget(_label(text, wrapped=True))
            return content
        for device in found.memory.devices:
            self._add_device(layout, device, found.recipe)
        self._add_changes(layout, found.memory, found.recipe)
        return content

    def _add_device(self, layout: QVBoxLayout, device: DeviceMemory, recipe: Recipe) -> None:
        layout.addWidget(_label(self._heading(device), role="section"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        grid.setColumnStretch(1, 1)
        theme = current_theme()
        for row, part in enumerate(device.parts):
            grid.addWidget(Swatch(part_color(part, recipe, theme)), row, 0)
            grid.addWidget(_label(part_title(part, recipe), role="caption"), row, 1)
            grid.addWidget(_label(size(part.size)), row, 2, Qt.AlignmentFlag.AlignRight)
        last = len(device.parts)
        most = self.tr("peak, while loading or generating")
        grid.addWidget(_label(most, role="caption"), last, 1)
        grid.addWidget(_label(size(device.peak)), last, 2, Qt.AlignmentFlag.AlignRight)
        if device.earlier_texts:
            besides = self.tr("KV caches of earlier texts, of what is left: at most")
            grid.addWidget(_label(besides, role="caption"), last + 1, 1)
            amount = _label(size(device.earlier_texts))
            grid.addWidget(amount, last + 1, 2, Qt.AlignmentFlag.AlignRight)
        if device.device == "cpu":
            self._add_use(grid, last + 2)
        layout.addLayout(grid)

    def _add_use(self, grid: QGridLayout, row: int) -> None:
        """Add rows for what the loaded models take now, which is measured."""
        titles = (
            self.tr("in use now, measured"),
            self.tr("of it packed copies of weights, only where memory is left"),
        )
        for place, title in enumerate(titles, row):
            caption, amount = _label(title, role="caption"), _label("")
            grid.addWidget(caption, place, 1)
            grid.addWidget(amount, place, 2, Qt.AlignmentFlag.AlignRight)
            self._use_rows.append((caption, amount))
        self._show_use()

    def _show_use(self) -> None:
        amounts = self._session.memory_use.models, self._session.packed_bytes
        for (caption, amount), taken in zip(self._use_rows, amounts, strict=False):
            amount.setText(size(taken))
            for label in (caption, amount):
                label.setVisible(taken > 0)

    def _heading(self, device: DeviceMemory) -> str:
        needed, free = size(device.needed), size(device.free)
        if device.fits:
            return self.tr("{0}: {1} of {2} free").format(device.device, needed, free)
        return self.tr("⚠ {0}: {1} needed at peak, {2} free").format(
            device.device, size(device.peak), free
        )

    def _add_changes(self, layout: QVBoxLayout, memory: MemoryEstimate, recipe: Recipe) -> None:
        counted = self.tr("Estimated for a context of {0} tokens.").format(f"{memory.context:,}")
        layout.addWidget(_label(counted, role="caption"))
        if memory.changes:
            layout.addWidget(_label(self.tr("Ways to reduce memory"), role="section"))
        for change in memory.changes:
            title = change_title(recipe, change.recipe)
            row = QHBoxLayout()
            row.addWidget(_label(self._describe(change, title), wrapped=True), 1)
            row.addWidget(self._make_button(change, title))
            layout.addLayout(row)

    def _describe(self, change: MemoryChange, title: str) -> str:
        fits = self.tr("fits") if change.fits else self.tr("still too large")
        return self.tr("{0}: {1}, {2}").format(title, size(change.peak), fits)

    def _make_button(self, change: MemoryChange, title: str) -> QPushButton:
        button = QPushButton(self.tr("Apply"))
        button.setAutoDefault(False)
        button.setAccessibleName(self.tr("Apply: {0}").format(title))
        button.clicked.connect(lambda: self._use(change))
        self._changes.append(button)
        return button

    # User actions

    def _use(self, change: MemoryChange) -> None:
        found = self._session.current_preflight
        if found and len(found.recipe.roles()) == len(self._session.recipe.roles()):
            title = change_title(found.recipe, change.recipe)
            self._session.apply_difference(title, found.recipe, change.recipe)


class Swatch(QWidget):
    """Shows the colour of a part of the estimate as a small square."""

    def __init__(self, color: QColor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = color
        self.setFixedSize(_SWATCH, _SWATCH)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        QPainter(self).fillRect(self.rect(), self._color)


def show_memory(session: Session, parent: QWidget) -> MemoryDialog:
    """Show the window's one memory dialog."""
    return show_once(parent, MemoryDialog, "memory", lambda window: MemoryDialog(session, window))


def _label(text: str, role: str = "", wrapped: bool = False) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrapped)
    if role:
        label.setProperty("role", role)
    return label
