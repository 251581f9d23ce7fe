"""When something was, in the form of the language."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QDateTime, QLocale


def shown_moment(moment: datetime) -> str:
    """A moment on the clock of this machine, in the form of the language."""
    local = QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
    if QLocale().language() == QLocale.Language.C:  # its own form has no order anyone uses
        return local.toString("yyyy-MM-dd HH:mm")
    return QLocale().toString(local, QLocale.FormatType.ShortFormat)
