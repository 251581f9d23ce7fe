"""Descriptions of the runs in the history."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.decoding.types import FinishReason
from app.history.records import RunKind, RunSummary, first_words
from app.ui.words.moments import shown_moment
from app.ui.words.provenance_words import models_line, settings_line, shown_alphas
from app.ui.words.token_counts import token_count

_PROMPT_WORDS, _TEXT_WORDS, _NAME = 14, 24, 24


class RunWords(QObject):
    """Describes a run in the language of the window."""

    def moment(self, run: RunSummary) -> str:
        """The local time at which a run started."""
        return shown_moment(run.created)

    def ending(self, run: RunSummary) -> str:
        """The finish reason of a run."""
        if run.finish_reason == FinishReason.EOS:
            return self.tr("end of text")
        if run.finish_reason == FinishReason.STOP:
            return self.tr("stop string")
        if run.finish_reason == FinishReason.LENGTH:
            return self.tr("token limit")
        if run.finish_reason == FinishReason.CONTEXT:
            return self.tr("context full")
        if run.finish_reason == FinishReason.CANCELLED:
            return self.tr("stopped")
        if run.error:
            return self.tr("failed: {0}").format(run.error)
        return self.tr("not started") if run.ended else self.tr("not finished")

    def kind(self, run: RunSummary) -> str:
        """The kind of a run: generated, scored, a branch, or by one role alone."""
        if run.kind is RunKind.SCORED:
            return self.tr("scored text")
        if run.kind is RunKind.ROLE:
            return self._role(run)
        if run.parent:
            return self.tr("branch at token {0}").format(run.fork_index + 1)
        return self.tr("generated")

    def _role(self, run: RunSummary) -> str:
        if not run.role:
            return self.tr("base alone")
        name = first_words(run.role_pair, _NAME)
        if run.role % 2:
            return self.tr("expert {0} alone").format(name)
        return self.tr("anti-expert {0} alone").format(name)

    def title(self, run: RunSummary, *, alike: bool) -> str:
        """The title of a run; ``alike`` says that another run has the same prompt."""
        words = first_words(run.opening, _TEXT_WORDS)
        if run.title or not alike or not run.prompt.strip() or not words:
            return run.shown_title
        return self.tr("{0} → {1}").format(first_words(run.prompt, _PROMPT_WORDS), words)

    def provenance(self, run: RunSummary) -> str:
        """The models, the alphas and the settings of a run, in two lines."""
        alphas = [] if run.kind is RunKind.ROLE else shown_alphas(run.facts.alphas)
        return f"{models_line(run.facts.models)}\n{settings_line(alphas, run.config)}"

    def facts(self, run: RunSummary) -> str:
        """The facts about a run except for its text and its settings, in one or two lines."""
        tokens = token_count(run.tokens)
        parts = (run.recipe_name, self.moment(run), tokens, self.ending(run), self.kind(run))
        return " · ".join(part for part in parts if part)
