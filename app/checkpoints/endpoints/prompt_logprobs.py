"""Several tokens scored by one request: the three ways in which servers tell of a prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.checkpoints.endpoints import wire
from app.checkpoints.endpoints.wire import Position


class Blocks(StrEnum):
    """How a server tells of the tokens of a prompt."""

    PROMPT_LOGPROBS = "prompt_logprobs"
    """By id, at each token what was expected there."""
    ECHO = "echo"
    """At each token what was expected there, and the generated token last."""
    ECHO_AFTER = "echo after"
    """At each token of the prompt what is expected after it, as llama-cpp-python has it."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Block:
    """What is asked of a block.

    Attributes:
        form: How the server tells of it.
        read: How many tokens the prompt has.
        drafts: The last of them, before each and after all of which rows are wanted.
        top: How many log-probabilities were asked for; −1 is all.
        ids: Whether the ids of the server can be relied on.
        spelled: The bytes of an id.
    """

    form: Blocks
    read: int
    drafts: Sequence[int]
    top: int
    ids: bool
    spelled: Callable[[int], bytes]

    def extras(self) -> dict[str, Any]:
        """What the request says besides."""
        if self.form is Blocks.PROMPT_LOGPROBS:
            return {"prompt_logprobs": self.top}
        return {"echo": True}

    def positions(self, choice: Mapping[str, Any]) -> list[Position] | None:
        """What is expected before each draft and after all of them.

        Returns:
            One position more than there are drafts, or None where the server has cut the prompt
            into other tokens, or does not tell of it in this form.

        Raises:
            FormError: The answer is of no known form.
        """
        found = self._found(choice)
        if found is None or len(found) != len(self.drafts) + 1:
            return None
        known = [position for position in found if position]
        return known if len(known) == len(found) else None

    def _found(self, choice: Mapping[str, Any]) -> list[Position | None] | None:
        generated = wire.generated(choice, self.top, ids=self.ids)
        count = len(self.drafts)
        if self.form is Blocks.PROMPT_LOGPROBS:
            prompt = wire.of_prompt(choice, self.top)
            if prompt is None or len(prompt) != self.read or not generated:
                return None
            return [*prompt[self.read - count :], generated[-1]]
        tokens = wire.tokens_of(choice)
        if generated is None or len(generated) != len(tokens):
            return None
        if self.form is Blocks.ECHO_AFTER:
            return generated[-count - 1 :] if self._ends_with_drafts(tokens) else None
        if wire.ends(choice) and len(tokens) != self.read + 1:
            return None  # whether the token at which it ends is among them is not known
        return generated[-count - 1 :] if self._ends_with_drafts(tokens[:-1]) else None

    def _ends_with_drafts(self, tokens: Sequence[str]) -> bool:
        last = tokens[len(tokens) - len(self.drafts) :]
        return len(last) == len(self.drafts) and all(map(self._is_spelled, self.drafts, last))

    def _is_spelled(self, index: int, token: str) -> bool:
        return wire.read_token(token, ids=self.ids) in (index, self.spelled(index))
