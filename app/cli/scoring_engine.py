"""The engine of ``tuneshift score``: loads recipes and scores given tokens with them."""

from __future__ import annotations

from dataclasses import replace

from app.attribution.explained_token import ExplainedToken
from app.attribution.scored_prompt import PromptToken, ScoredPrompt
from app.checkpoints.conversation import RunPrompt
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import Recipe
from app.checkpoints.status import RoleInForce
from app.cli.progress_line import ProgressLine, progress_text
from app.engine.commands import Command, Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Checked, Event, Failed, Loaded, Loading, TokenDecoded
from app.engine.prompt_scoring import PromptTokens, scorable, score_of_prompt
from app.errors import Cancelled, TuneshiftError

_LOAD, _RUN = 1, 2


class ScoringEngine:
    """An engine whose commands are carried out one after another.

    Args:
        cancellation: Ends the command in progress, with ``KeyboardInterrupt``.
        line: Shows the progress.
        proof: Whether loaded models are compared with plain forward passes.

    Attributes:
        roles: The loaded roles.
    """

    def __init__(self, cancellation: Cancellation, line: ProgressLine, proof: ProofMode) -> None:
        line.show("Starting …")
        from app.engine.engine import Engine  # imports torch: seconds

        self._cancellation = cancellation
        self._line = line
        self._proof = proof
        self._events: list[Event] = []
        self._labels: tuple[str, ...] = ()
        self.roles: tuple[RoleInForce, ...] = ()
        self._recipe: Recipe | None = None
        self._checked: Preflight | None = None
        self._engine = Engine(self._receive)

    def load(self, recipe: Recipe, prompt: RunPrompt) -> None:
        """Load a recipe instead of the one before.

        Raises:
            TuneshiftError: It cannot be loaded, or does not fit into memory.
        """
        events = self._carry_out(
            Load(_LOAD, recipe, self._cancellation, prompt=prompt, proof=self._proof)
        )
        loaded = next(event for event in events if isinstance(event, Loaded))
        checked = [event.preflight for event in events if isinstance(event, Checked)]
        self._recipe, self._labels, self._checked = recipe, loaded.token_labels, checked[-1]
        self.roles = loaded.roles

    def label(self, token_id: int) -> str:
        """The text of a token id."""
        return self._labels[token_id] if token_id < len(self._labels) else f"#{token_id}"

    def prompts(self, prompt: RunPrompt) -> list[ScoredPrompt]:
        """The prompt as each role reads it, scored by that role alone.

        Roles of another vocabulary and endpoints, whose own tokens cannot be scored, are left out.
        """
        assert self._recipe is not None
        assert self._checked is not None
        places = scorable(self._recipe, self._checked.vocabulary.bridged)
        scored: dict[int, list[PromptToken]] = {}
        for place in places.values():
            self._line.show(f"Scoring prompt {len(scored) + 1} of {len(places)} …")
            read = PromptTokens()
            command = score_of_prompt(_RUN, prompt, self._recipe, place, self._cancellation)
            for event in self._carry_out(command):
                read.receive(event, self.label)
            scored[place] = read.tokens
        return [
            ScoredPrompt(name, scored[places[spec]])
            for name, spec in self._recipe.roles()
            if places.get(spec) in scored
        ]

    def text(
        self, prompt: RunPrompt, text: str, token_ids: tuple[int, ...] = ()
    ) -> list[ExplainedToken]:
        """The tokens of a text after the prompt, scored by the tuned models.

        Args:
            prompt: The prompt.
            text: The text.
            token_ids: Its token ids instead of the text.
        """
        assert self._recipe is not None
        self._line.show("Scoring the text …")
        command = Generate(
            _RUN,
            prompt,
            replace(self._recipe.sampling, max_new_tokens=max(len(token_ids), 1), stop=()),
            LiveAlphas(self._recipe.alphas),
            self._cancellation,
            forced=token_ids,
            text=text,
            speculate=False,
            past_turn=True,
            keep_rows=False,
        )
        return [
            ExplainedToken.of(event.step, event.attribution)
            for event in self._carry_out(command)
            if isinstance(event, TokenDecoded)
        ]

    def _receive(self, event: Event) -> None:
        if isinstance(event, Loading):
            self._line.show(progress_text(event.progress))
        self._events.append(event)

    def _carry_out(self, command: Command) -> list[Event]:
        """The events of a command.

        Raises:
            TuneshiftError: It failed.
            KeyboardInterrupt: It was cancelled.
        """
        self._events = []
        self._engine.handle(command)
        self._line.clear()
        failed = next((event for event in self._events if isinstance(event, Failed)), None)
        if failed is not None and isinstance(failed.error, TuneshiftError):
            raise failed.error
        if self._cancellation.requested():
            raise KeyboardInterrupt from Cancelled()
        return self._events
