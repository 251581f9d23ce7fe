"""Scoring of a block of tokens by one request: the three formats of prompt log-probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.checkpoints.endpoints import wire
from app.checkpoints.endpoints.wire import Position


class Blocks(StrEnum):
    """The format of a server's log-probabilities of prompt tokens."""

    PROMPT_LOGPROBS = "prompt_logprobs"
    """vLLM: at each prompt token the candidates for that position, by id."""
    ECHO = "echo"
    """At each prompt token the candidates for that position, then those of the generated token."""
    ECHO_AFTER = "echo after"
    """llama-cpp-python: at each prompt token the candidates for the next position."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Block:
    """A request for the rows of a block of drafted tokens.

    Attributes:
        form: The format of the response.
        read: The number of tokens of the prompt.
        drafts: The last tokens of the prompt. A row is needed before each and after the last.
        top: The number of log-probabilities requested; −1 is all.
        ids: Whether the ids of the server are those of the pair.
        spelled: Returns the bytes of an id.
    """

    form: Blocks
    read: int
    drafts: Sequence[int]
    top: int
    ids: bool
    spelled: Callable[[int], bytes]

    def extras(self) -> dict[str, Any]:
        """Additional fields of the request."""
        if self.form is Blocks.PROMPT_LOGPROBS:
            return {"prompt_logprobs": self.top}
        return {"echo": True}

    def positions(self, choice: Mapping[str, Any]) -> list[Position] | None:
        """The positions before each draft and after the last.

        Returns:
            One position more than there are drafts. None if the server has split the prompt into
            other tokens, or the response is not in this format.

        Raises:
            FormError: The response is in no known format.
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
            return None  # the last of the tokens may be the one at which the server stopped
        return generated[-count - 1 :] if self._ends_with_drafts(tokens[:-1]) else None

    def _ends_with_drafts(self, tokens: Sequence[str]) -> bool:
        last = tokens[len(tokens) - len(self.drafts) :]
        return len(last) == len(self.drafts) and all(map(self._is_spelled, self.drafts, last))

    def _is_spelled(self, index: int, token: str) -> bool:
        return wire.read_token(token, ids=self.ids) in (index, self.spelled(index))
