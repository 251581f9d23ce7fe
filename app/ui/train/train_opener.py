"""Opens the dialog that makes an expert; imports it only then, since plots are slow to import."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QWidget

from app.training.data.data_files import LINE_ENDINGS, TABLE_ENDINGS, TEXT_ENDINGS
from app.ui.state.session import Session
from app.ui.widgets.dialogs import show_once

if TYPE_CHECKING:
    from app.ui.train.train_dialog import TrainDialog

_ENDINGS = (*TEXT_ENDINGS, *LINE_ENDINGS, *TABLE_ENDINGS)
_MODEL_FILES = ("config.json", "adapter_config.json")
_MODEL_ENDINGS = (".gguf", ".safetensors")
_MOST_ENTRIES = 2_000
"""How many files of a dropped folder are looked at."""


def show_training(
    session: Session,
    parent: QWidget,
    data: Path | None = None,
    *,
    base: str = "",
    tour: bool = False,
) -> TrainDialog:
    """Show the dialog that makes an expert, or bring it to the front.

    Args:
        session: The state of the window.
        parent: A widget of the window.
        data: The folder or file with texts to learn.
        base: The source of the base; by default that of the recipe.
        tour: Whether to show the way with data that ship with the program.
    """
    from app.ui.train.train_dialog import TrainDialog

    dialog = show_once(parent, TrainDialog, "train", lambda above: TrainDialog(session, above))
    if base:
        dialog.choose_base(base)
    if data is not None:
        dialog.show_data(data)
    if tour:
        dialog.begin_tour()
    return dialog


def dropped_texts(data: QMimeData) -> Path | None:
    """The dropped file with texts, or folder with such files but no model; None for others."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and _holds_texts(paths[0]) else None


def _holds_texts(path: Path) -> bool:
    if not path.is_dir():
        return path.name.lower().endswith(_ENDINGS)
    try:
        names = [entry.name.lower() for entry in islice(path.iterdir(), _MOST_ENTRIES)]
    except OSError:
        return False
    has_model = any(name in _MODEL_FILES or name.endswith(_MODEL_ENDINGS) for name in names)
    return not has_model and any(name.endswith(_ENDINGS) for name in names)
