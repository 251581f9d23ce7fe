"""What is said of a what-if question: why it cannot be asked, or what the answer is."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.ui.state.session import Session
from app.ui.state.texts.runs import Runs
from app.ui.state.texts.text_run import Run
from app.ui.state.texts.what_if_questions import WhatIf
from app.wording import quoted


class WhatIfWords(QObject):
    """Sentences about other weights for a finished text."""

    def refusal(self, session: Session) -> str:
        """Why no question can be asked of the shown text; nothing where one can."""
        run = session.runs.current
        if run is None:
            return self.tr("Generate a text first.")
        if session.runs.running:
            return self.tr("This can be asked when the text has ended.")
        if run.role is not None:
            return self.tr("One role answered alone: there are no weights to change.")
        if not session.runs.can_continue(run):
            return self.tr("The text was made with other models; open its recipe to ask.")
        if not run.tokens:
            return self.tr("There are no tokens to ask about.")
        if all(token.forced for token in run.tokens):
            return self.tr("The text was given: nothing in it was chosen by the models.")
        return ""

    def answer(self, runs: Runs, *, moved: bool) -> str:
        """What the last question was answered with, or that there is none."""
        found = runs.questions.answer
        if runs.questions.waiting and found is None:
            return self.tr("Looking …")
        if found is None or not moved:
            return self.tr("Move a slider: no model runs, the answer comes from stored rows.")
        return " ".join(part for part in (self._choices(found), self._missing(found)) if part)

    def _choices(self, found: WhatIf) -> str:
        if not found.choices:
            if not found.looked_at:
                return ""
            return self.tr("The same choice at all {0} tokens.").format(f"{found.looked_at:,}")
        first, run = found.choices[0], found.run
        token = run.tokens[first.index]
        place = f"{first.index + 1:,}"
        other = quoted(run.label(first.token_id))
        present = quoted(token.text or run.label(token.token_id))
        differing, all_ = f"{len(found.choices):,}", f"{found.looked_at:,}"
        if _not_looked_at(found):
            said = self.tr(
                "First known other choice at token {0}: {1} instead of {2}; {3} of {4} differ."
            )
        else:
            said = self.tr(
                "First other choice at token {0}: {1} instead of {2}; {3} of {4} differ."
            )
        return said.format(place, other, present, differing, all_)

    def _missing(self, found: WhatIf) -> str:
        missing = _not_looked_at(found)
        parts = []
        if missing:
            parts.append(
                self.tr("{0} tokens could not be looked at: their rows are not kept.").format(
                    f"{missing:,}"
                )
            )
        if found.run.drawn_from:
            parts.append(
                self.tr("The first {0} were drawn with other settings.").format(
                    f"{found.run.drawn_from:,}"
                )
            )
        return " ".join(parts)


def _not_looked_at(found: WhatIf) -> int:
    """How many tokens were drawn with the text's settings and have lost their rows."""
    return _drawn(found.run) - found.looked_at


def _drawn(run: Run) -> int:
    return sum(not token.forced for token in run.tokens[run.drawn_from :])
