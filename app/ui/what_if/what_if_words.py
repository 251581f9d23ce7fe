"""Messages of the what-if bar: the answer, or the reason why there is none."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.decoding.alpha_policy import parse_policy
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs
from app.ui.state.runs.what_if_questions import WhatIf
from app.ui.state.session import Session
from app.wording import quoted


class WhatIfWords(QObject):
    """Messages of the what-if bar."""

    def refusal(self, session: Session) -> str:
        """Why what-if is not available for the shown run; empty if it is."""
        run = session.runs.current
        if run is None:
            return self.tr("Press Generate first.")
        if session.runs.running:
            return self.tr("Available when the run has ended.")
        if run.role is not None:
            return self.tr("One role generated this run alone: there is no α to change.")
        if run.has_policy:
            return self.tr(
                "The policy of α “{0}” scaled α at each token of this run; "
                "what-if needs a run with a constant α."
            ).format(run.recipe.sampling.alpha_policy)
        if not session.runs.can_continue(run):
            return self.tr("This run was generated with other models; open its recipe first.")
        if not run.tokens:
            return self.tr("The run has no tokens.")
        if all(token.forced for token in run.tokens):
            return self.tr("All tokens of this run were given; none was sampled.")
        return ""

    def branch_refusal(self, session: Session) -> str:
        """Why no branch can have the alphas of the sliders; empty if one can."""
        policy = session.recipe.sampling.alpha_policy
        if parse_policy(policy).is_constant:
            return ""
        return self.tr(
            "The policy of α “{0}” in the sampling settings would scale these α; "
            "make it constant first."
        ).format(policy)

    def answer(self, runs: Runs, *, moved: bool) -> str:
        """The answer to the last question.

        Args:
            moved: Whether the sliders differ from the alphas of the run.
        """
        found = runs.questions.answer
        if runs.questions.waiting and found is None:
            return self.tr("Computing …")
        if found is None or not moved:
            return self.tr(
                "Move a slider. The result is computed from the kept logits, "
                "without running a model."
            )
        return " ".join(part for part in (self._choices(found), self._missing(found)) if part)

    def _choices(self, found: WhatIf) -> str:
        if not found.choices:
            if not found.examined:
                return ""
            return self.tr("All {0} tokens stay the same.").format(f"{found.examined:,}")
        first, run = found.choices[0], found.run
        token = run.tokens[first.index]
        place = f"{first.index + 1:,}"
        other = quoted(run.label(first.token_id))
        present = quoted(token.text or run.label(token.token_id))
        differing, all_ = f"{len(found.choices):,}", f"{found.examined:,}"
        if _unknown_tokens(found):
            said = self.tr(
                "First known difference at token {0}: {1} instead of {2}; {3} of {4} tokens differ."
            )
        else:
            said = self.tr(
                "First difference at token {0}: {1} instead of {2}; {3} of {4} tokens differ."
            )
        return said.format(place, other, present, differing, all_)

    def _missing(self, found: WhatIf) -> str:
        missing = _unknown_tokens(found)
        parts = []
        if missing:
            parts.append(
                self.tr("{0} tokens are unknown: their logits are not kept.").format(f"{missing:,}")
            )
        if found.run.sampled_from:
            parts.append(
                self.tr("The first {0} tokens were sampled with other settings.").format(
                    f"{found.run.sampled_from:,}"
                )
            )
        return " ".join(parts)


def _unknown_tokens(found: WhatIf) -> int:
    """Number of tokens that were sampled with the run's settings but whose logits are not kept."""
    return _sampled_tokens(found.run) - found.examined


def _sampled_tokens(run: Run) -> int:
    return sum(not token.forced for token in run.tokens[run.sampled_from :])
