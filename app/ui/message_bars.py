"""The bars above the prompt: problems, unfinished recipes, downloads, files, trainings."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout

from app.ui.models.download_bar import DownloadBar
from app.ui.problem_banner import ProblemBanner
from app.ui.recipe.unfinished_bar import UnfinishedBar
from app.ui.state.session import Session
from app.ui.train.training_bar import TrainingBar
from app.ui.widgets.export_bar import ExportBar
from app.ui.widgets.saved_bar import SavedBar


def add_bars(layout: QVBoxLayout, session: Session) -> None:
    """Add all bars to a layout; each is visible while it has something to say."""
    for bar in (
        ProblemBanner(session),
        UnfinishedBar(session),
        DownloadBar(session.downloads),
        ExportBar(session.history.exports),
        SavedBar(session.saved),
        TrainingBar(session),
    ):
        layout.addWidget(bar)
