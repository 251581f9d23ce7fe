"""The state of ``tuneshift chat``: the messages so far, and the settings of the next answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.checkpoints.conversation import ASSISTANT, SYSTEM, USER, Conversation, Message
from app.checkpoints.spec import Recipe
from app.decoding.noise import new_seed as random_seed


@dataclass(slots=True)
class Talk:
    """A conversation.

    Attributes:
        recipe: The recipe with the alphas and sampling settings of the next answer.
        system: The system prompt; if it is empty, each role uses its own.
        said: The messages of user and assistant.
        runs: The id in the history of the answer at an index of ``said``.
        seed: The seed of every answer; None chooses a new one each time.
    """

    recipe: Recipe
    system: str = ""
    said: tuple[Message, ...] = ()
    runs: dict[int, str] = field(default_factory=dict)
    seed: int | None = None

    @property
    def conversation(self) -> Conversation:
        """All messages, the system prompt first."""
        system = (Message(SYSTEM, self.system),) if self.system else ()
        return Conversation((*system, *self.said))

    @property
    def asked(self) -> str:
        """The last message of the user; empty if there is none."""
        return next((item.content for item in reversed(self.said) if item.role == USER), "")

    @property
    def waits(self) -> bool:
        """Whether the last message is the user's."""
        return bool(self.said) and self.said[-1].role == USER

    @property
    def follows(self) -> str:
        """The id of the run with the last answer; empty if it is not in the history."""
        places = [place for place, item in enumerate(self.said) if item.role == ASSISTANT]
        return self.runs.get(places[-1], "") if places else ""

    def next_recipe(self, *, new_seed: bool) -> Recipe:
        """The recipe of the next answer, with its seed."""
        seed = random_seed() if new_seed or self.seed is None else self.seed
        return replace(self.recipe, sampling=replace(self.recipe.sampling, seed=seed))

    def ask(self, message: str) -> None:
        """Add a message of the user."""
        self.said = (*self.said, Message(USER, message))

    def add_answer(self, text: str, run_id: str) -> None:
        """Add an answer."""
        if run_id:
            self.runs[len(self.said)] = run_id
        self.said = (*self.said, Message(ASSISTANT, text))

    def drop_answer(self) -> bool:
        """Remove what follows the last message of the user; False if there is no such message."""
        if not self.asked:
            return False
        while not self.waits:
            self._drop_last()
        return True

    def drop_turn(self) -> bool:
        """Remove the last message of the user and what follows; False if there is none."""
        if not self.drop_answer():
            return False
        self._drop_last()
        return True

    def copy(self) -> Talk:
        """The state as it is now."""
        return replace(self, runs=dict(self.runs))

    def restore(self, before: Talk) -> None:
        """Go back to the messages of an earlier state."""
        self.system, self.said, self.runs = before.system, before.said, dict(before.runs)

    def replace(self, conversation: Conversation) -> None:
        """Replace all messages, and the system prompt."""
        self.system, self.said = conversation.system, conversation.spoken
        self.runs.clear()

    def _drop_last(self) -> None:
        self.said = self.said[:-1]
        self.runs.pop(len(self.said), None)
