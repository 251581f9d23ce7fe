"""The prompt of one role with what the model that reads it makes of each token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT


@dataclass(frozen=True, slots=True, eq=False)
class PromptToken:
    """A token of a prompt.

    Attributes:
        position: Its place in the prompt of its role, from 0.
        token_id: Its id.
        text: Its text, or a label of it.
        scored: Its probabilities under the role alone; None of the first token, and without scores.
        candidates: The most probable tokens in its place, likewise.
    """

    position: int
    token_id: int
    text: str
    scored: ExplainedToken | None = None
    candidates: CandidateRows | None = None

    @property
    def exact_text(self) -> str:
        """The text that the token completed; its label where it has none of its own."""
        return self.scored.text or self.text if self.scored else self.text

    @property
    def surprisal(self) -> float | None:
        """−log₂ of its probability."""
        return None if self.scored is None else -self.scored.attribution.logprob_tuned / BIT


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPrompt:
    """The tokens of the prompt that a role reads.

    Attributes:
        role: Its name in ``Recipe.roles``.
        tokens: The tokens; nothing predicts the first.
    """

    role: str
    tokens: Sequence[PromptToken]

    @property
    def surprisal(self) -> float | None:
        """The surprisal of all scored tokens together, in bits; None without scores."""
        found = [token.surprisal for token in self.tokens if token.surprisal is not None]
        return sum(found) if found else None


def tokens_of(
    token_ids: Sequence[int], texts: Sequence[str], scored: Sequence[PromptToken]
) -> tuple[PromptToken, ...]:
    """The tokens of a prompt, with their scores unless these are of another prompt."""
    if [token.token_id for token in scored] == list(token_ids):
        pairs = zip(scored, texts, strict=True)
        return tuple(replace(token, text=text) for token, text in pairs)
    named = zip(token_ids, texts, strict=True)
    return tuple(PromptToken(place, id_, text) for place, (id_, text) in enumerate(named))
