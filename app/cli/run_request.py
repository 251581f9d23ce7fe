"""The request of ``tuneshift generate`` to the engine."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.conversation import RunPrompt
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.engine.controls import LiveAlphas


@dataclass(frozen=True, slots=True, eq=False)
class RunRequest:
    """A run to generate.

    Attributes:
        prompt: The prompt.
        recipe: The recipe to load.
        config: The sampling settings.
        alphas: The alphas, which may differ for each token.
        given: Token ids that the run begins with.
        role: Index of the role for a run of one role alone, or None for the tuned distribution.
        drafts: Whether to use speculative decoding.
        proof: Whether to compare the models with plain forward passes.
        past_turn: Whether to go on past the beginning of another turn of the conversation.
    """

    prompt: RunPrompt
    recipe: Recipe
    config: GenerationConfig
    alphas: LiveAlphas
    given: tuple[int, ...] = ()
    role: int | None = None
    drafts: bool = True
    proof: ProofMode = ProofMode.KEPT
    past_turn: bool = False
