"""Format of dates and times."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QDateTime, QLocale


def shown_moment(moment: datetime) -> str:
    """A date and time in the local time zone and the format of the language."""
    local = QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
    if QLocale().language() == QLocale.Language.C:  # the short format of C is unusual
        return local.toString("yyyy-MM-dd HH:mm")
    return QLocale().toString(local, QLocale.FormatType.ShortFormat)
