"""What a text is called, and what is said of it in a line."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason
from app.ui.state.texts.text_run import Run
from app.ui.words.role_words import role_titles
from app.wording import quoted

_LONGEST = 60
_PROMPT_SHOWN = 400


class TextWords(QObject):
    """Titles and details of texts, the same in every view."""

    def title(self, run: Run) -> str:
        """Its name, the role that answers, or its first words that no other text has."""
        if run.name:
            return run.name
        if run.group:
            return self.role(run)
        return self.words(run) or quoted(_shortened(run.prompt))

    def words(self, run: Run) -> str:
        """The first words of its own, in quotation marks; nothing before there are any."""
        own = "".join(token.text for token in run.tokens[run.fork : run.fork + _LONGEST])
        if not own.strip():
            return ""
        # A space at the beginning says nothing in a title.
        return quoted(_shortened(own if run.parent else own.strip()))

    def role(self, run: Run) -> str:
        """Who answers: the tuned models, or one role of the recipe."""
        return self.role_title(run.recipe, run.role)

    def role_title(self, recipe: Recipe, role: int | None) -> str:
        """What the role at a place of ``Recipe.roles`` is called; None is the tuned models."""
        if role is None:
            return self.tr("tuned")
        return role_titles(recipe)[role]

    def detail(self, run: Run) -> str:
        """Where it branched off, how long it is, and how it ended."""
        parts = [self._kind(run), self.count(len(run.tokens)), self.state(run)]
        return " · ".join(part for part in parts if part)

    def count(self, tokens: int) -> str:
        """A number of tokens."""
        return self.tr("1 token") if tokens == 1 else self.tr("{0} tokens").format(f"{tokens:,}")

    def state(self, run: Run) -> str:
        """Whether it goes on, or how it ended."""
        if run.failed:
            return self.tr("failed")
        if run.finish_reason is None:
            return self.tr("writing …") if run.tokens or run.prompt_tokens else self.tr("waiting …")
        if run.finish_reason is FinishReason.LENGTH and (run.stepping or run.scored):
            return ""
        return {
            FinishReason.EOS: self.tr("end of text"),
            FinishReason.STOP: self.tr("stop string"),
            FinishReason.LENGTH: self.tr("token limit"),
            FinishReason.CANCELLED: self.tr("stopped"),
        }[run.finish_reason]

    def about(self, run: Run) -> str:
        """All of it, for a tool tip or a screen reader."""
        lines = [self.title(run), self.detail(run)]
        if run.name and (words := self.words(run)):
            lines.insert(1, words)
        lines.append(self.tr("Prompt: {0}").format(quoted(_shortened(run.prompt, _PROMPT_SHOWN))))
        return "\n".join(lines)

    def group(self, run: Run) -> str:
        """What the answers of every role are called together."""
        return self.tr("All roles: {0}").format(quoted(_shortened(run.prompt.strip())))

    def _kind(self, run: Run) -> str:
        if run.parent:
            return self.tr("from token {0}").format(f"{run.fork + 1:,}")
        if run.scored:
            return self.tr("scored text")
        if run.stepping:
            return self.tr("step by step")
        if run.role is not None and not run.group:
            return self.role(run)
        return ""


def _shortened(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
