"""Commands that score the prompt of each role with that role alone, and what they come to.

The window, the command line and the Python API all use them, so that their numbers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from app.attribution.explained_token import ExplainedToken
from app.attribution.scored_prompt import PromptToken
from app.checkpoints.conversation import Prompt
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.engine.commands import Generate
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Event, RunStarted, TokenDecoded


def score_of_prompt(
    id_: int,
    prompt: Prompt,
    recipe: Recipe,
    place: int,
    cancellation: Cancellation,
    load: int | None = None,
) -> Generate:
    """The command that scores the prompt that the role at ``place`` of ``Recipe.roles`` reads."""
    return Generate(
        id_,
        prompt,
        replace(recipe.sampling, max_new_tokens=1, stop=()),
        LiveAlphas(()),
        cancellation,
        role=place,
        speculate=False,
        echo=True,
        keep_rows=False,
        candidates=True,
        load=load,
    )


def scorable(recipe: Recipe, left_out: Collection[str] = ()) -> dict[CheckpointSpec, int]:
    """The roles whose prompts can be scored, each checkpoint once, with its place.

    Roles with the same checkpoint and the same prompt format share their scores.

    Args:
        recipe: The recipe.
        left_out: Names in ``Recipe.roles`` of roles whose own tokens cannot be scored: those of
            another vocabulary, which read the base's tokens.
    """
    found: dict[CheckpointSpec, int] = {}
    for place, (name, spec) in enumerate(recipe.roles()):
        if name not in left_out and not spec.is_endpoint:
            found.setdefault(spec, place)
    return found


class PromptTokens:
    """Collects the tokens of a prompt from the events of :func:`score_of_prompt`."""

    def __init__(self) -> None:
        self.tokens: list[PromptToken] = []

    def receive(self, event: Event, label: Callable[[int], str]) -> None:
        """Take an event; ``label`` gives the text of a token id."""
        if isinstance(event, RunStarted):
            self._add(event.head, label)
        elif isinstance(event, TokenDecoded) and event.step.forced:  # not the one after the prompt
            token = ExplainedToken.of(event.step, event.attribution)
            self.tokens.append(
                PromptToken(
                    len(self.tokens),
                    token.token_id,
                    token.text or label(token.token_id),
                    token,
                    event.candidates,
                )
            )

    def _add(self, head: Sequence[int], label: Callable[[int], str]) -> None:
        for token_id in head:
            self.tokens.append(PromptToken(len(self.tokens), token_id, label(token_id)))
