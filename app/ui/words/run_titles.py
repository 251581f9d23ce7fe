"""Titles and one-line descriptions of runs."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.checkpoints.conversation import USER, Conversation, contents, last_message
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason
from app.ui.state.runs.run import Run
from app.ui.words.provenance_words import provenance_of, searchable_run
from app.ui.words.role_words import role_titles
from app.ui.words.token_counts import token_count
from app.wording import quoted

_LONGEST = 60
_PROMPT_SHOWN = 400


class RunTitles(QObject):
    """Titles and descriptions of runs, shared by all views."""

    def title(self, run: Run) -> str:
        """Title of a run: its name, its role, or the first words of its own."""
        if run.name:
            return run.name
        if run.group:
            return self.role(run)
        return self.words(run) or quoted(_shortened(last_message(run.prompt)))

    def words(self, run: Run) -> str:
        """The first words that the run does not share with its parent, quoted; may be empty."""
        own = "".join(token.text for token in run.tokens[run.fork : run.fork + _LONGEST])
        if not own.strip():
            return ""
        # Leading spaces carry no meaning in a title.
        return quoted(_shortened(own if run.parent else own.strip()))

    def role(self, run: Run) -> str:
        """Name of the role that generated the run, or “tuned”."""
        return self.role_title(run.recipe, run.role)

    def role_title(self, recipe: Recipe, role: int | None) -> str:
        """Name of the role at an index of ``Recipe.roles``; None means tuned."""
        if role is None:
            return self.tr("tuned")
        return role_titles(recipe)[role]

    def detail(self, run: Run) -> str:
        """Origin, number of tokens and state of a run, in one line."""
        parts = [self._kind(run), token_count(len(run.tokens)), self.state(run)]
        return " · ".join(part for part in parts if part)

    def state(self, run: Run) -> str:
        """Whether the run is active, or its finish reason."""
        if run.failed:
            return self.tr("failed")
        if run.finish_reason is None:
            return (
                self.tr("generating …") if run.tokens or run.prompt_tokens else self.tr("waiting …")
            )
        if run.finish_reason is FinishReason.LENGTH and (run.stepping or run.scored):
            return ""
        return {
            FinishReason.EOS: self.tr("end of text"),
            FinishReason.STOP: self.tr("stop string"),
            FinishReason.LENGTH: self.tr("token limit"),
            FinishReason.CONTEXT: self.tr("context full"),
            FinishReason.CANCELLED: self.tr("stopped"),
        }[run.finish_reason]

    def about(self, run: Run) -> str:
        """Title, details and prompt of a run, for tool tips and screen readers."""
        lines = [self.title(run), self.detail(run)]
        if run.name and (words := self.words(run)):
            lines.insert(1, words)
        lines.append(provenance_of(run))
        prompt = last_message(run.prompt)
        lines.append(self.tr("Prompt: {0}").format(quoted(_shortened(prompt, _PROMPT_SHOWN))))
        return "\n".join(lines)

    def searchable(self, run: Run) -> str:
        """Everything that a search for the run looks at."""
        return "\n".join((self.title(run), contents(run.prompt), run.text, searchable_run(run)))

    def group(self, run: Run) -> str:
        """Title of a conversation, or of the group of answers of all roles."""
        if isinstance(run.prompt, Conversation) and run.chat:
            first = next((item for item in run.prompt.messages if item.role == USER), None)
            return self.tr("Chat: {0}").format(quoted(_shortened(first.content if first else "")))
        return self.tr("All roles: {0}").format(
            quoted(_shortened(last_message(run.prompt).strip()))
        )

    def _kind(self, run: Run) -> str:
        if run.parent:
            return self.tr("from token {0}").format(f"{run.fork + 1:,}")
        if run.scored:
            return self.tr("scored text")
        if run.stepping:
            return self.tr("step by step")
        if run.role is not None and not run.group:
            return self.role(run)
        if isinstance(run.prompt, Conversation) and run.chat:
            turns = sum(item.role == USER for item in run.prompt.messages)
            return self.tr("turn {0}").format(turns)
        return ""


def _shortened(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
