"""The fixtures of a session that records, and waiting for what runs in the background."""

from PySide6.QtCore import QCoreApplication

from app.ui.history.history_dialog import HistoryDialog
from app.ui.state.session import Session
from tests.ui.recording import kept  # noqa: F401 — fixtures


def settle(dialog: HistoryDialog) -> None:
    """Wait until the dialog shows what its last search found."""
    writer = dialog._history._writer
    assert writer is not None
    assert writer.flush(60)  # edits
    QCoreApplication.sendPostedEvents()
    for _ in range(2):  # the tags that a search found may begin another
        assert dialog._history.search.join(60)
        QCoreApplication.sendPostedEvents()


def settle_background(session: Session) -> None:
    """Wait for exports and copies, and take what they made."""
    assert session.history.background.join(60)
    QCoreApplication.sendPostedEvents()
