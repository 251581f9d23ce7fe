"""Language model behind an endpoint: log-probabilities of the returned tokens, −inf elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from app.checkpoints.endpoints import endpoint_errors, wire
from app.checkpoints.endpoints.client import Client
from app.checkpoints.endpoints.endpoint_errors import RequestError
from app.checkpoints.endpoints.handshake import Profile
from app.checkpoints.endpoints.matching import Matcher
from app.checkpoints.endpoints.prompt_logprobs import Block, Blocks
from app.decoding.remote import EndpointUsage
from app.errors import EndpointError

_Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Pending requests: one for a whole block, or one for each of its positions.

    Attributes:
        ids: All tokens of the text after the requests.
        last: The number of last positions whose rows are needed.
        prompts: The prompt of each request.
        answers: The response to each request.
        block: The block that a single request scores, or None.
    """

    ids: tuple[int, ...]
    last: int
    prompts: tuple[tuple[int, ...], ...]
    answers: tuple[Future[_Answer], ...]
    block: Block | None = None

    def drop(self) -> None:
        for answer in self.answers:
            answer.cancel()


class EndpointLanguageModel:
    """A :class:`~app.decoding.language_model.LanguageModel` whose rows come from a server.

    It holds the ids of the text and no KV cache, so that rewinding is free; the server caches
    prefixes itself.

    Args:
        client: The client of the server.
        profile: The capabilities of the server.
        matcher: The matcher for the pair's vocabulary.
        vocabulary_size: The number of columns of a row.
        top: The number of log-probabilities to request; −1 is all.
        context_length: A limit below the context length of the server, or None.
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
        self._retokenized = 0
        self._cancelled: Callable[[], bool] = lambda: False

    def begin_run(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._client.begin()
        self._matcher.begin()
        self._retokenized = 0

    def usage(self) -> EndpointUsage:
        unmatched = self._matcher.unmatched()
        return replace(self._client.usage(), unmatched=unmatched, retokenized=self._retokenized)

    def begin(self, tokens: Sequence[int], last: int) -> None:
        ids = (*self._held, *tokens)
        if self._asked is not None:
            if (self._asked.ids, self._asked.last) == (ids, last):
                return
            self._asked.drop()
        self._asked = self._ask(ids, last, self.profile.blocks if last > 1 else Blocks.NONE)

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        """Append ``tokens``, [k], and return log-probabilities, [last, V], float32.

        Tokens that the server did not return have −inf.

        Raises:
            EndpointError: The server does not respond, or its response cannot be used.
            Cancelled: The run was cancelled.
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

    def _ask(self, ids: tuple[int, ...], last: int, form: Blocks) -> _Asked:
        count = self._askable(ids, last)
        first = len(ids) - last + 1
        if form is Blocks.NONE or count == 1:
            prompts = tuple(ids[: first + place] for place in range(count))
            return _Asked(ids, last, prompts, tuple(self._post(prompt, {}) for prompt in prompts))
        read = ids[: first + count - 1]
        block = self._block(form, read, read[first:])
        return _Asked(ids, last, (read,), (self._post(read, block.extras()),), block)

    def _block(self, form: Blocks, read: Sequence[int], drafts: Sequence[int]) -> Block:
        spelled = self._matcher.spelled
        return Block(form, len(read), drafts, self._top, self.profile.ids, spelled)

    def _askable(self, ids: tuple[int, ...], last: int) -> int:
        """The number of positions that can be requested, counted from the first of ``last``.

        A server that is sent text cannot be asked for positions after a token that ends inside a
        character. Only drafts can be such tokens, and they are never accepted, since :meth:`_row`
        leaves such tokens out.
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
        choices = list(map(self._choice, asked.prompts, asked.answers))
        if asked.block is None:
            rows = list(map(self._single, asked.prompts, choices))
        else:
            (choice,) = choices
            found = self._positions(asked.block, choice)
            if found is None:  # the server splits the text into other tokens than the pair
                return self._rows(self._ask(asked.ids, asked.last, Blocks.NONE))
            rows = [self._row(position, ends=False) for position in found[:-1]]
            rows.append(self._row(found[-1], ends=wire.ends(choice)))
        return rows + rows[-1:] * (asked.last - len(rows))

    def _single(self, prompt: tuple[int, ...], choice: Mapping[str, Any]) -> Tensor:
        """The row of the token after a prompt."""
        found = self._generated(choice)
        if found and found[-1]:
            return self._row(found[-1], ends=wire.ends(choice))
        if found is None or not wire.ends(choice):
            raise endpoint_errors.no_logprobs(self._client.address)
        # The server chose end-of-sequence and returned no log-probabilities for it.
        if self.profile.blocks is Blocks.ECHO_AFTER:
            block = self._block(self.profile.blocks, prompt, ())
            positions = self._positions(
                block, self._choice(prompt, self._post(prompt, block.extras()))
            )
            if positions:
                return self._row(positions[-1], ends=True)
        return self._row({b"": 0.0}, ends=True)

    def _positions(self, block: Block, choice: Mapping[str, Any]) -> list[wire.Position] | None:
        try:
            return block.positions(choice)
        except wire.FormError as error:
            raise endpoint_errors.unusable(self._client.address, str(error)) from error

    def _choice(self, prompt: Sequence[int], answer: Future[_Answer]) -> Mapping[str, Any]:
        try:
            found = self._client.wait(answer, self._cancelled)
            self._compare_length(prompt, found)
            return wire.choice_of(found)
        except RequestError as error:
            raise error.failure.error from None
        except wire.FormError as error:
            raise endpoint_errors.unusable(self._client.address, str(error)) from error

    def _compare_length(self, prompt: Sequence[int], answer: Mapping[str, Any]) -> None:
        counted, more = wire.prompt_tokens(answer), self.profile.more
        if not self.profile.ids and counted is not None and more is not None:
            self._retokenized += counted != len(prompt) + more

    def _generated(self, choice: Mapping[str, Any]) -> list[wire.Position | None] | None:
        try:
            return wire.generated(choice, self._top, ids=self.profile.ids)
        except wire.FormError as error:
            raise endpoint_errors.unusable(self._client.address, str(error)) from error

    def _row(self, position: wire.Position, *, ends: bool) -> Tensor:
        row = torch.full((self.vocabulary_size,), float("-inf"))
        found = self._matcher.match(position, whole=not self.profile.ids, ends=ends)
        if not found:
            newest = self._matcher.unmatched()[: len(position)]
            names = ", ".join(f"{item.token!r}, {item.reason}" for item in newest[:5])
            raise EndpointError(
                f"No token that {self._client.address.host} returned has an id of the pair",
                evidence=names,
                next_step="The base must have the tokenizer of the pair; where it has, a greater "
                "“top_logprobs” helps.",
            )
        row[list(found)] = torch.tensor(list(found.values()))
        return row
