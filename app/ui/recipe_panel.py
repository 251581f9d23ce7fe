"""The left-hand column: the recipe, its base and pairs, and how tokens are drawn."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.spec import builtin_recipes, find_recipe, read_recipe
from app.errors import RecipeError, TuneshiftError
from app.ui.pair_card import PairCard
from app.ui.quiet_wheel import QuietWheel
from app.ui.role_picker import RolePicker
from app.ui.sampling_panel import SamplingPanel
from app.ui.session import Session
from app.ui.theme import SPACE

_TOML = "*.toml"


class RecipePanel(QScrollArea):
    """Everything that decides what is generated; scrolls where the window is low."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._cards: list[PairCard] = []
        self._choice = QComboBox()
        self._choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._choice.setAccessibleName(self.tr("Recipe"))
        self._choice.activated.connect(self._on_activated)
        QuietWheel(self).watch(self._choice)
        self._pairs = QVBoxLayout()
        self._pairs.setSpacing(SPACE)
        self._add = QPushButton(self.tr("+ Add expert pair"))
        self._add.setProperty("role", "link")
        self._add.clicked.connect(session.add_pair)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumWidth(240)
        self._lay_out()
        session.recipe_changed.connect(self._update)
        session.run_changed.connect(self._update)
        self._update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(276, 600)

    def _lay_out(self) -> None:
        page = QFrame()
        page.setProperty("role", "side")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE)
        layout.setSpacing(SPACE // 2)
        row = QHBoxLayout()
        row.setSpacing(SPACE // 2)
        row.addWidget(self._choice, 1)
        for text, name, slot in (
            (self.tr("Open"), self.tr("Open a recipe file"), self._open),
            (self.tr("Save"), self.tr("Save the recipe as a file"), self._save),
        ):
            button = QToolButton()
            button.setText(text)
            button.setProperty("role", "flat")
            button.setToolTip(name)
            button.setAccessibleName(name)
            button.clicked.connect(slot)
            row.addWidget(button)
        base = RolePicker(self._session, 0, self.tr("Base"))
        layout.addWidget(_caption(self.tr("Recipe"), self._choice))
        layout.addLayout(row)
        layout.addSpacing(SPACE)
        layout.addWidget(_caption(self.tr("Base"), base))
        layout.addWidget(base)
        layout.addSpacing(SPACE)
        layout.addLayout(self._pairs)
        layout.addWidget(self._add, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addSpacing(SPACE // 2)
        layout.addWidget(SamplingPanel(self._session))
        layout.addStretch(1)
        self.setWidget(page)

    def _update(self) -> None:
        self._add.setEnabled(self._session.editable)
        self._add.setToolTip("" if self._session.editable else self.tr("Stop the run first"))
        self._fill_recipes()
        count = len(self._session.recipe.pairs)
        while len(self._cards) > count:
            card = self._cards.pop()
            self._pairs.removeWidget(card)
            card.hide()
            card.deleteLater()
        while len(self._cards) < count:
            card = PairCard(self._session, len(self._cards))
            self._cards.append(card)
            self._pairs.addWidget(card)

    def _fill_recipes(self) -> None:
        recipe = self._session.recipe
        with QSignalBlocker(self._choice):
            self._choice.clear()
            edited = self.tr("{0} (edited)").format(recipe.name)
            self._choice.addItem(edited if self._session.edited else recipe.name, "")
            self._choice.setToolTip(self._choice.itemText(0))
            for name in builtin_recipes():
                self._choice.addItem(self.tr("Built-in: {0}").format(name), name)
            self._choice.setCurrentIndex(0)
        self._choice.setEnabled(self._session.editable)

    def _on_activated(self, index: int) -> None:
        name = self._choice.itemData(index)
        if name:
            self._session.open_recipe(find_recipe(name))

    # Files

    def open_file(self, path: str) -> None:
        """Open the recipe in a file."""
        try:
            self._session.open_recipe(read_recipe(Path(path)))
        except TuneshiftError as error:
            self._session.report(error)

    def save_file(self, path: str) -> None:
        """Save the recipe into a file."""
        try:
            self._session.save_recipe(Path(path).with_suffix(".toml"))
        except OSError as error:
            self._session.report(RecipeError("The recipe cannot be saved", evidence=str(error)))

    def _open(self) -> None:
        dialog = self._dialog(self.tr("Open a recipe"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def _save(self) -> None:
        dialog = self._dialog(self.tr("Save the recipe"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        dialog.fileSelected.connect(self.save_file)
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self, title, str(Path.home()), self.tr("Recipes ({0})").format(_TOML))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog


def _caption(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    label.setBuddy(buddy)
    return label
