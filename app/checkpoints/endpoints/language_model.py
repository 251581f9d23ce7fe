"""A language model behind an endpoint: the most probable tokens, and −inf for all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from app.checkpoints.endpoints import failures, wire
from app.checkpoints.endpoints.client import Client
from app.checkpoints.endpoints.failures import RequestError
from app.checkpoints.endpoints.handshake import Blocks, Profile
from app.checkpoints.endpoints.matching import Matcher
from app.decoding.remote import Traffic
from app.errors import EndpointError

_Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Requests under way: one for a block, or one for each of its tokens.

    Attributes:
        ids: All tokens that are then held.
        last: For how many of the last positions rows are wanted.
        blocks: How they are scored.
        answers: Of the requests.
        count: How many of the positions a block asks for, from the first.
    """

    ids: tuple[int, ...]
    last: int
    blocks: Blocks
    answers: tuple[Future[_Answer], ...]
    count: int = 1

    def drop(self) -> None:
        for answer in self.answers:
            answer.cancel()


class EndpointLanguageModel:
    """A :class:`~app.decoding.language_model.LanguageModel` that asks a server.

    It keeps the ids of the text alone: going back costs nothing, and prefixes that the server has
    read before are in its own cache.

    Args:
        client: The connection.
        profile: What the server understands.
        matcher: Of the pair's vocabulary.
        vocabulary_size: Columns of the rows.
        top: How many log-probabilities to ask for; −1 is all.
        context_length: The most tokens to read, where that is fewer than the server can.
    """

    can_rewind = True

    def __init__(
        self,
        client: Client,
        profile: Profile,
        matcher: Matcher,
        vocabulary_size: int,
        top: int,
        context_length: int | None = None,
    ) -> None:
        limits = [limit for limit in (context_length, profile.context) if limit is not None]
        self.context_length = min(limits, default=None)
        self.vocabulary_size = vocabulary_size
        self.profile = profile
        self._client = client
        self._matcher = matcher
        self._top = top
        self.length = 0
        self._held: list[int] = []
        self._asked: _Asked | None = None
        self._cancelled: Callable[[], bool] = lambda: False

    def begin_run(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._client.begin()
        self._matcher.begin()

    def traffic(self) -> Traffic:
        return replace(self._client.traffic(), left_out=self._matcher.left_out())

    def begin(self, tokens: Sequence[int], last: int) -> None:
        ids = (*self._held, *tokens)
        if self._asked is not None:
            if (self._asked.ids, self._asked.last) == (ids, last):
                return
            self._asked.drop()
        self._asked = self._ask(ids, last, self.profile.blocks if last > 1 else Blocks.NONE)

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        """Read ``tokens``, [k]; rows of log-probabilities, [last, V], float32, −inf where unknown.

        Raises:
            EndpointError: The server does not answer, or not in a way that can be used.
            Cancelled: When the run is cancelled.
        """
        self.begin(tokens.tolist(), last)
        asked, self._asked = self._asked, None
        assert asked is not None
        try:
            rows = self._rows(asked)
        except BaseException:
            asked.drop()
            raise
        self._held = list(asked.ids)
        self.length = len(self._held)
        return torch.stack(rows)

    def rewind(self, length: int) -> None:
        if not 0 <= length <= len(self._held):
            raise ValueError(f"cannot rewind {len(self._held)} tokens to {length}")
        del self._held[length:]
        self.length = length
        if self._asked is not None:
            self._asked.drop()
            self._asked = None

    def _ask(self, ids: tuple[int, ...], last: int, blocks: Blocks) -> _Asked:
        read = ids[: len(ids) - last + self._askable(ids, last)]
        count = last - (len(ids) - len(read))
        if blocks is Blocks.NONE or count == 1:
            ends = range(len(read) - count + 1, len(read) + 1)
            return _Asked(ids, last, Blocks.NONE, tuple(self._post(read[:end], {}) for end in ends))
        extras = {"echo": True} if blocks is Blocks.ECHO else {"prompt_logprobs": self._top}
        return _Asked(ids, last, blocks, (self._post(read, extras),), count)

    def _askable(self, ids: tuple[int, ...], last: int) -> int:
        """For how many of the last positions, from the first of them, the server can be asked.

        Where it reads text, that is until a token ends inside a character. Such a token is only
        ever a draft, and not accepted, since the server's tokens before it are whole.
        """
        if self.profile.ids:
            return last
        for count in range(last):
            if self._matcher.text(ids[: len(ids) - last + 1 + count]) is None:
                break
        else:
            return last
        if count == 0:
            raise EndpointError(
                f"The text for {self._client.address.host} ends inside a character",
                evidence="this server reads text, not ids",
                next_step="Go on from a token before or after it.",
            )
        return count

    def _post(self, ids: tuple[int, ...], extras: Mapping[str, Any]) -> Future[_Answer]:
        prompt = list(ids) if self.profile.ids else self._matcher.text(ids) or ""
        body = wire.request(
            self.profile.model, prompt, self._top, extras={**self.profile.extras, **extras}
        )
        return self._client.post("completions", body)

    def _rows(self, asked: _Asked) -> list[Tensor]:
        choices = [self._choice(answer) for answer in asked.answers]
        if asked.blocks is Blocks.NONE:
            rows = [self._row(self._newest(c), ends=wire.ends(c)) for c in choices]
            return rows + rows[-1:] * (asked.last - len(rows))
        (choice,) = choices
        inside = self._inside(choice, asked)
        if inside is None:  # the server has cut the text into other tokens than the pair
            return self._rows(self._ask(asked.ids, asked.last, Blocks.NONE))
        rows = [self._row(position, ends=False) for position in inside]
        rows.append(self._row(self._newest(choice), ends=wire.ends(choice)))
        return rows + rows[-1:] * (asked.last - len(rows))

    def _choice(self, answer: Future[_Answer]) -> Mapping[str, Any]:
        try:
            found = self._client.wait(answer, self._cancelled)
            return wire.choice_of(found)
        except RequestError as error:
            raise error.failure.error from None
        except wire.FormError as error:
            raise failures.unusable(self._client.address, str(error)) from error

    def _newest(self, choice: Mapping[str, Any]) -> wire.Position:
        """What the server says of the token after the prompt."""
        found = self._generated(choice)
        if found and found[-1]:
            return found[-1]
        if found is not None and wire.ends(choice):  # it chose its end, and says nothing of others
            return {b"": 0.0}
        raise failures.no_logprobs(self._client.address)

    def _generated(self, choice: Mapping[str, Any]) -> list[wire.Position | None] | None:
        try:
            return wire.generated(choice, self._top, ids=self.profile.ids)
        except wire.FormError as error:
            raise failures.unusable(self._client.address, str(error)) from error

    def _inside(self, choice: Mapping[str, Any], asked: _Asked) -> list[wire.Position] | None:
        """What is said of the tokens of a block, or None where they are not those of the prompt."""
        drafts = asked.ids[len(asked.ids) - asked.last + 1 :][: asked.count - 1]
        read = len(asked.ids) - asked.last + asked.count
        if asked.blocks is Blocks.PROMPT_LOGPROBS:
            try:
                found = wire.of_prompt(choice, self._top)
            except wire.FormError as error:
                raise failures.unusable(self._client.address, str(error)) from error
            end = read
        else:
            found, end = self._echoed(choice, drafts, read)
        if found is None or len(found) < end:
            return None
        inside = [position for position in found[end - len(drafts) : end] if position]
        return inside if len(inside) == len(drafts) else None

    def _echoed(
        self, choice: Mapping[str, Any], drafts: Sequence[int], read: int
    ) -> tuple[list[wire.Position | None] | None, int]:
        """The positions of an echo, and where the prompt ends among them."""
        tokens = wire.tokens_of(choice)
        if wire.ends(choice) and len(tokens) != read + 1:
            return None, 0  # whether the token at which it ends is among them is not known
        end = len(tokens) - 1
        spelled = tokens[end - len(drafts) : end]
        if not all(map(self._is_spelled, drafts, spelled)) or len(spelled) != len(drafts):
            return None, 0
        return self._generated(choice), end

    def _is_spelled(self, index: int, token: str) -> bool:
        try:
            found = wire.read_token(token, ids=self.profile.ids)
        except wire.FormError:
            return False
        return found in (index, self._matcher.spelled(index))

    def _row(self, position: wire.Position, *, ends: bool) -> Tensor:
        row = torch.full((self.vocabulary_size,), float("-inf"))
        found = self._matcher.match(position, whole=not self.profile.ids, ends=ends)
        if not found:
            names = ", ".join(repr(token) for token in list(position)[:5])
            raise EndpointError(
                f"No token that {self._client.address.host} returns is in the pair's vocabulary",
                evidence=f"it returned {names}",
                next_step="The base must have the tokenizer of the pair.",
            )
        row[list(found)] = torch.tensor(list(found.values()))
        return row
