"""What is said of runs of the history."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, QObject

from app.decoding.types import FinishReason
from app.history.records import RunKind, RunSummary


class RunWords(QObject):
    """Turns a run into words."""

    def moment(self, run: RunSummary) -> str:
        """When it began, on the clock of this machine."""
        moment = QDateTime.fromSecsSinceEpoch(int(run.created.timestamp()))
        return QLocale().toString(moment, QLocale.FormatType.ShortFormat)

    def ending(self, run: RunSummary) -> str:
        """How it ended."""
        if run.finish_reason == FinishReason.EOS:
            return self.tr("end of text")
        if run.finish_reason == FinishReason.STOP:
            return self.tr("stop string")
        if run.finish_reason == FinishReason.LENGTH:
            return self.tr("the limit")
        if run.finish_reason == FinishReason.CANCELLED:
            return self.tr("stopped")
        if run.error:
            return self.tr("failed: {0}").format(run.error)
        return self.tr("never begun") if run.ended else self.tr("not finished")

    def kind(self, run: RunSummary) -> str:
        """What it is, where it is not simply a generated text."""
        if run.kind is RunKind.SCORED:
            return self.tr("given text")
        if run.kind is RunKind.ROLE:
            return self.tr("one role alone")
        return self.tr("branch at token {0}").format(run.fork_index + 1) if run.parent else ""

    def facts(self, run: RunSummary) -> str:
        """Everything but the text, in a line or two."""
        tokens = self.tr("{0} tokens").format(f"{run.tokens:,}")
        parts = (run.recipe_name, self.moment(run), tokens, self.ending(run), self.kind(run))
        return " · ".join(part for part in parts if part)
