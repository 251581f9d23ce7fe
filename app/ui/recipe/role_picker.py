"""The role picker: chooses the checkpoint of one role and shows the progress of loading it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.endpoint_address import KIND, is_endpoint
from app.checkpoints.formats.gguf_adapter import holds_adapter
from app.checkpoints.formats.gguf_files import is_gguf, source_of_path
from app.checkpoints.sources import builtin_checkpoints
from app.checkpoints.spec import CHAT, PLAIN
from app.checkpoints.status import LoadProgress
from app.ui.icons import icon
from app.ui.recipe.local_model_dialog import LocalModelDialog
from app.ui.recipe.prompt_dialogs import show_role_options
from app.ui.recipe.role_caption import describe, details, fault
from app.ui.recipe.role_options import RoleOptions
from app.ui.state.models.recipe_state import ADAPTER
from app.ui.state.session import LoadState, Session
from app.ui.theme import SMALL, SPACE, current_theme, set_role
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.file_dialogs import ask_file, ask_folder
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.words.source_titles import describe_source, titles_of

_FOUND, _FOLDER, _HUB, _GGUF, _LORA, _GGUF_LORA, _ENDPOINT, _TUNED = _WAYS = (
    *("found", "folder", "hub", "gguf"),
    *("lora", "gguf lora", "endpoint", "tuned"),
)
_KILOBYTE = 1024
_ADAPTER_FILE = "adapter_config.json"
_ICON = QSize(14, 14)
_BAR = 3


class RolePicker(QWidget):
    """Chooses a built-in checkpoint, one of the recipe, or any other; has a button for options.

    Args:
        session: The state of the window.
        place: The index of the role in ``Recipe.roles``.
        title: The name of the role, shown before the list if ``title_width`` is not 0.
        title_width: The width of the title in pixels.
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
        self._options = self._make_options()
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(_BAR)
        self._progress.setAccessibleName(self.tr("Loading of {0}").format(title))
        self._lay_out()
        self.setFocusProxy(self._choice)
        self.setAcceptDrops(True)
        self.name_role(title)
        session.recipe_changed.connect(self._fill)
        session.load_changed.connect(self._update_state)
        session.load_progressed.connect(self._show_progress)
        session.runs.run_changed.connect(self._update_state)
        self._fill()

    def _make_options(self) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "flat")
        button.setIconSize(_ICON)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setIcon(icon("options", current_theme().muted))
        button.clicked.connect(self.open_options)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self._choice, 1)
        row.addWidget(self._options)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addLayout(row)
        layout.addWidget(self._caption)
        layout.addSpacing(_BAR)  # for the progress bar, which is visible while loading

    def name_role(self, name: str) -> None:
        """Set the accessible names of the widgets to those of the role ``name``."""
        self._choice.setAccessibleName(name)
        self._options.setAccessibleName(self.tr("Options of {0}").format(name))

    def open_options(self) -> RoleOptions:
        """Show the options dialog of the role."""
        return show_role_options(self._session, self._place, self)

    def choose_path(self, path: str) -> None:
        """Use the folder, the adapter (for an expert only) or the GGUF file at ``path``."""
        if not path:
            return
        adapter = self._takes_adapters() and _is_adapter(Path(path))
        source = f"{ADAPTER}{path}" if adapter else source_of_path(path)
        self._session.set_source(self._place, source)

    # The list of checkpoints

    def _source(self) -> str | None:
        """The source of the role in the recipe; None if its pair has just been removed."""
        specs = self._session.recipe.checkpoints()
        return specs[self._place].source if self._place < len(specs) else None

    def _fill(self) -> None:
        source = self._source()
        if source is None:
            return
        used = [spec.source for spec in self._session.recipe.checkpoints()]
        sources = [
            item
            for item in dict.fromkeys([*builtin_checkpoints(), *used])
            if item == source
            or (self._place == 0 and is_endpoint(item))
            or (self._takes_adapters() and item.startswith(ADAPTER))
            or not item.startswith((ADAPTER, f"{KIND}:"))
        ]
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
                self._choice.setItemData(
                    index, describe_source(source), Qt.ItemDataRole.ToolTipRole
                )
            self._choice.insertSeparator(self._choice.count())
            self._choice.addItem(self.tr("On this disk …"), _FOUND)
            self._choice.addItem(self.tr("Folder …"), _FOLDER)
            self._choice.addItem(self.tr("From the Hub …"), _HUB)
            self._choice.addItem(self.tr("GGUF file …"), _GGUF)
            if self._takes_adapters():
                self._choice.addItem(self.tr("LoRA adapter in a folder …"), _LORA)
                self._choice.addItem(self.tr("LoRA adapter in a GGUF file …"), _GGUF_LORA)
            if self._place == 0:
                self._choice.addItem(self.tr("API endpoint …"), _ENDPOINT)
                self._choice.addItem(self.tr("Tuned on a server …"), _TUNED)

    def _takes_adapters(self) -> bool:
        """Whether the role is an expert, which can be an adapter over its anti-expert."""
        return self._place % 2 == 1

    def _on_activated(self, index: int) -> None:
        chosen = self._choice.itemData(index)
        if chosen in _WAYS:
            self._fill()
            self._choose_by(chosen)
        elif chosen and chosen != self._source():
            self._session.set_source(self._place, chosen)

    def _choose_by(self, way: str) -> None:
        if way == _FOUND:
            LocalModelDialog(self._session, self._place, self.window()).open()
        elif way == _HUB:
            from app.ui.models.hub_dialog import HubDialog

            HubDialog(self._session, self._place, self.window()).open()
        elif way in (_ENDPOINT, _TUNED):
            from app.ui.models.endpoint_dialog import EndpointDialog

            EndpointDialog(self._session, self.window(), tuned=way == _TUNED).open()
        elif way in (_GGUF, _GGUF_LORA):
            self._ask_file(lora=way == _GGUF_LORA)
        else:
            self._ask_folder(lora=way == _LORA)

    def _ask_file(self, lora: bool) -> None:
        kinds = [
            self.tr("GGUF files ({0})").format("*.gguf *.GGUF"),
            self.tr("All files ({0})").format("*"),
        ]
        if lora:
            title, chosen = self.tr("Choose the GGUF file of a LoRA adapter"), self._choose_adapter
        else:
            title, chosen = self.tr("Choose a GGUF file"), self.choose_path
        ask_file(self, title, self._start, kinds, chosen)

    def _ask_folder(self, lora: bool) -> None:
        if lora:
            title, chosen = self.tr("Choose the folder of a LoRA adapter"), self._choose_adapter
        else:
            title, chosen = self.tr("Choose the folder of a checkpoint"), self.choose_path
        ask_folder(self, title, self._start, chosen)

    def _choose_adapter(self, path: str) -> None:
        self._session.set_source(self._place, f"{ADAPTER}{path}")

    @property
    def _start(self) -> str:
        """The folder that file dialogs show first."""
        return self._session.settings.model_folder or str(Path.home())

    # Progress of loading

    def _update_state(self) -> None:
        source = self._source()
        if source is None:
            return
        editable = self._session.editable
        self._choice.setEnabled(editable)
        why_not = self.tr("Models cannot be changed during a run. Press Esc to stop the run.")
        self._choice.setToolTip(describe_source(source) if editable else why_not)
        self._fill_progress_bar()
        wrong = fault(self._session, self._place)
        set_role(self._caption, "error" if wrong else "caption")
        about = wrong or details(self._session, self._place)
        self._caption.show_text(describe(self._session, self._place, wrong), about)
        self._options.setToolTip(self._about_options())

    def _show_progress(self) -> None:
        """Show how far the load is; it comes often, and its files are not looked at again."""
        if self._source() is not None and self._progress_of_role():
            self._fill_progress_bar()
            about = details(self._session, self._place)
            self._caption.show_text(describe(self._session, self._place, ""), about)

    def _fill_progress_bar(self) -> None:
        progress = self._under_way()
        self._progress.setVisible(progress is not None)
        if progress:
            unit = 1 if progress.proving else _KILOBYTE
            self._progress.setRange(0, max(progress.total // unit, 1))
            self._progress.setValue(progress.done // unit)

    def _about_options(self) -> str:
        spec = self._session.recipe.checkpoints()[self._place]
        format_ = {
            PLAIN: self.tr("plain text"),
            CHAT: self.tr("the model's chat template"),
        }.get(spec.prompt, self.tr("a custom template"))
        parts = [spec.dtype, spec.device, spec.quantization]
        lines = [
            self.tr("Dtype {0}, device {1}, quantization {2}").format(*parts),
            self.tr("Prompt format: {0}").format(format_),
        ]
        return "\n".join([*lines, spec.system] if spec.system else lines)

    def _under_way(self) -> LoadProgress | None:
        """The progress of this role while it is being loaded."""
        progress = self._progress_of_role()
        return progress if progress and progress.done < progress.total else None

    def _progress_of_role(self) -> LoadProgress | None:
        if self._session.load_state is not LoadState.LOADING:
            return None
        return self._session.load_progress.get(self._session.recipe.roles()[self._place][0])

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._progress.setGeometry(SPACE + 1, self.height() - _BAR, self.width() - SPACE - 1, _BAR)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._options.setIcon(icon("options", current_theme().muted))

    # Drag and drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 — Qt's name
        if self._session.editable and _model_in(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 — Qt's name
        self.choose_path(_model_in(event.mimeData()))
        event.acceptProposedAction()


def _model_in(data: QMimeData) -> str:
    """The path of the first folder or GGUF file in the dragged data, or an empty string."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.toLocalFile()]
    return next((str(path) for path in paths if path.is_dir() or is_gguf(path)), "")


def _is_adapter(path: Path) -> bool:
    return (path / _ADAPTER_FILE).is_file() or (is_gguf(path) and holds_adapter(path))
