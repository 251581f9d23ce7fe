"""Chooses the checkpoint of one role and shows how it stands with loading it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from PySide6.QtCore import QMimeData, QSignalBlocker, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QProgressBar, QVBoxLayout, QWidget

from app.checkpoints.sources import builtin_checkpoints, open_checkpoint
from app.checkpoints.spec import CheckpointSpec
from app.checkpoints.status import LoadProgress
from app.errors import TuneshiftError
from app.ui.controls import ChoiceBox
from app.ui.elided_label import ElidedLabel
from app.ui.session import LoadState, Session
from app.ui.theme import SMALL, SPACE, set_role

_BROWSE = "browse"
_KILOBYTE = 1024


class RolePicker(QWidget):
    """Built-in checkpoints, the folders that the recipe uses, and any other folder.

    Args:
        session: The state.
        place: The role's place in ``Recipe.roles``.
        title: What to call the role, shown before the choice where ``title_width`` is not 0.
        title_width: The width of the column that holds the title, in pixels.
    """

    def __init__(
        self,
        session: Session,
        place: int,
        title: str,
        title_width: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._place = place
        self._listed: list[str] = []
        self._choice = ChoiceBox(title if title_width else "", title_width)
        self._choice.activated.connect(self._on_activated)
        self._caption = ElidedLabel()
        font = self._caption.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self._caption.setFont(font)
        self._caption.setContentsMargins(SPACE + 1, 0, 0, 0)
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(3)
        self._progress.setAccessibleName(self.tr("Loading of {0}").format(title))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for widget in (self._choice, self._caption, self._progress):
            layout.addWidget(widget)
        retain = self._progress.sizePolicy()
        retain.setRetainSizeWhenHidden(True)
        self._progress.setSizePolicy(retain)
        self.setFocusProxy(self._choice)
        self.setAcceptDrops(True)
        self.name_role(title)
        session.recipe_changed.connect(self._fill)
        session.load_changed.connect(self._update_state)
        session.run_changed.connect(self._update_state)
        self._fill()

    def name_role(self, name: str) -> None:
        """Tell screen readers what is chosen here."""
        self._choice.setAccessibleName(name)

    def choose_folder(self, folder: str) -> None:
        """Use the checkpoint in ``folder``."""
        if folder:
            self._session.set_source(self._place, f"folder:{folder}")

    # The choice

    def _source(self) -> str | None:
        """The source in the recipe; none where this role's pair has just been removed."""
        specs = self._session.recipe.checkpoints()
        return specs[self._place].source if self._place < len(specs) else None

    def _fill(self) -> None:
        source = self._source()
        if source is None:
            return
        used = [spec.source for spec in self._session.recipe.checkpoints()]
        sources = list(dict.fromkeys([*builtin_checkpoints(), *used]))
        if sources != self._listed:
            self._list(sources)
        with QSignalBlocker(self._choice):
            self._choice.setCurrentIndex(sources.index(source))
        self._update_state()

    def _list(self, sources: list[str]) -> None:
        self._listed = sources
        with QSignalBlocker(self._choice):
            self._choice.clear()
            for source, title in zip(sources, titles_of(sources), strict=True):
                self._choice.addItem(title, source)
                index = self._choice.count() - 1
                self._choice.setItemData(index, _path(source), Qt.ItemDataRole.ToolTipRole)
            self._choice.insertSeparator(self._choice.count())
            self._choice.addItem(self.tr("Folder …"), _BROWSE)

    def _on_activated(self, index: int) -> None:
        chosen = self._choice.itemData(index)
        if chosen == _BROWSE:
            self._fill()
            self._browse()
        elif chosen and chosen != self._source():
            self._session.set_source(self._place, chosen)

    def _browse(self) -> None:
        start = self._session.settings.model_folder or str(Path.home())
        dialog = QFileDialog(self, self.tr("Choose the folder of a checkpoint"), start)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.choose_folder)
        dialog.open()

    # The state of loading

    def _update_state(self) -> None:
        source = self._source()
        if source is None:
            return
        editable = self._session.editable
        self._choice.setEnabled(editable)
        why_not = self.tr("Models can be changed when the run has ended. Esc stops it.")
        self._choice.setToolTip(_path(source) if editable else why_not)
        progress = self._under_way()
        self._progress.setVisible(progress is not None)
        if progress:
            self._progress.setRange(0, max(progress.total // _KILOBYTE, 1))
            self._progress.setValue(progress.done // _KILOBYTE)
        failed = self._session.load_state is LoadState.FAILED
        fault = _fault(self._session.recipe.checkpoints()[self._place]) if failed else ""
        set_role(self._caption, "error" if fault else "caption")
        self._caption.show_text(self._describe(fault), fault)

    def _under_way(self) -> LoadProgress | None:
        """The progress of this role while it is being read."""
        progress = self._progress_of_role()
        return progress if progress and progress.done < progress.total else None

    def _progress_of_role(self) -> LoadProgress | None:
        if self._session.load_state is not LoadState.LOADING:
            return None
        return self._session.load_progress.get(self._session.recipe.roles()[self._place][0])

    def _describe(self, fault: str) -> str:
        session = self._session
        if fault:
            return self.tr("⚠ {0}").format(fault)
        if self._place < len(session.roles_in_force):
            role = session.roles_in_force[self._place]
            parts = [_count(role.parameters), role.dtype, role.device]
            return " · ".join([*parts, self.tr("shared")] if role.shared else parts)
        progress = self._progress_of_role()
        if progress:
            done, total = (f"{size / 1e6:,.0f}" for size in (progress.done, progress.total))
            if progress.done >= progress.total:
                return self.tr("read, {0} MB").format(total)
            return self.tr("loading {0} of {1} MB").format(done, total)
        return {
            LoadState.STARTING: self.tr("importing torch …"),
            LoadState.LOADING: self.tr("waiting"),
        }.get(session.load_state, self.tr("not loaded"))

    # A folder dropped on it

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 — Qt's name
        if self._session.editable and _folder_in(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 — Qt's name
        self.choose_folder(_folder_in(event.mimeData()))
        event.acceptProposedAction()


def titles_of(sources: list[str]) -> list[str]:
    """What to call each source: its last part, and the folder above where that is ambiguous."""
    last = [_path(source).rstrip("/").rsplit("/", 1)[-1] for source in sources]
    often = Counter(last)
    return [
        _title(source, name) if often[name] == 1 else "/".join(Path(_path(source)).parts[-2:])
        for source, name in zip(sources, last, strict=True)
    ]


def _title(source: str, name: str) -> str:
    return name.replace("_", " ").capitalize() if source.startswith("builtin:") else name


def _path(source: str) -> str:
    return source.partition(":")[2]


def _count(parameters: int) -> str:
    """A number of parameters, as ``6.8 M`` or ``1.5 B``."""
    if parameters < 1e9:
        return f"{parameters / 1e6:,.1f} M"
    return f"{parameters / 1e9:,.1f} B"


def _fault(spec: CheckpointSpec) -> str:
    """What is wrong with the files of a checkpoint, in one sentence; empty where nothing is."""
    try:
        open_checkpoint(spec)
    except TuneshiftError as error:
        return error.cause
    return ""


def _folder_in(data: QMimeData) -> str:
    """The first folder among what is dragged, or nothing."""
    paths = (url.toLocalFile() for url in data.urls())
    return next((path for path in paths if path and Path(path).is_dir()), "")
