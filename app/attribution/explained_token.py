"""One token of a run: its decoding step and its attribution."""

from __future__ import annotations

from dataclasses import dataclass

from app.attribution.attribution import TokenAttribution
from app.decoding.types import TokenStep


@dataclass(frozen=True, slots=True)
class ExplainedToken:
    """A token of a run with its attribution, without rows; for fields see :class:`TokenStep`."""

    index: int
    token_id: int
    text: str
    start: int
    alphas: tuple[float, ...]
    sampled_probability: float
    attribution: TokenAttribution
    forced: bool = False

    @classmethod
    def of(cls, step: TokenStep, attribution: TokenAttribution) -> ExplainedToken:
        """The token of a decoding step."""
        return cls(
            step.index,
            step.token_id,
            step.text,
            step.start,
            step.alphas,
            step.sampled_probability,
            attribution,
            step.forced,
        )

    @property
    def end(self) -> int:
        """Index of the character after the token in the text of the run."""
        return self.start + len(self.text)
