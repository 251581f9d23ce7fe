"""Detection of a server's capabilities, by a few requests for one token each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from app.checkpoints.endpoints import endpoint_errors, wire
from app.checkpoints.endpoints.client import ATTEMPTS, Client
from app.checkpoints.endpoints.endpoint_errors import RequestError
from app.checkpoints.endpoints.matching import Matcher
from app.checkpoints.endpoints.prompt_logprobs import Block, Blocks
from app.errors import EndpointError

PROBE = "The capital of France is"
_AS_IDS = {"return_tokens_as_token_ids": True}
"""Makes vLLM return tokens as ids; other servers ignore or reject it."""
_NOT_UNDERSTOOD = (400, 422, 500, 501)
_NOT_THERE = (400, 404, 405, 501)
_CLOSE = 0.25
"""Tolerance in nats between two responses to one prompt: batch sizes change the rounding."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The capabilities of a server.

    Attributes:
        model: The server's name for the model; empty if it lists no models.
        context: The context length, or None if the server does not report it.
        ids: Whether the server has the token ids of the pair. If so, prompts are sent as ids, and
            otherwise as text.
        extras: Additional fields of every request.
        blocks: How to score several tokens with one request.
        more: The number of tokens that the server counts in a prompt beyond those of the pair's
            tokenizer, such as a beginning-of-sequence token that the pair does not use. None if the
            server does not report counts, or prompts are sent as ids.
    """

    model: str
    context: int | None = None
    ids: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)
    blocks: Blocks = Blocks.NONE
    more: int | None = None


def shake_hands(
    client: Client,
    wanted: str,
    top: int,
    matcher: Matcher,
    probe: Sequence[int],
    cancelled: Callable[[], bool],
) -> Profile:
    """Detect the capabilities of a server.

    Args:
        client: The client of the server.
        wanted: The model name in the recipe; empty for the server's only model.
        top: The number of log-probabilities to request; −1 is all.
        matcher: The matcher for the pair's vocabulary.
        probe: The ids of ``PROBE``, with the special tokens that the tokenizer puts before a text.
        cancelled: Polled several times a second.

    Raises:
        EndpointError: The server cannot be used, or not with the settings of the recipe.
        Cancelled: ``cancelled`` returned True.
    """
    return _Handshake(client, wanted, top, matcher, probe, cancelled).profile()


def find_model(
    client: Client, wanted: str, cancelled: Callable[[], bool], attempts: int = ATTEMPTS
) -> tuple[str, int | None]:
    """The server's name for the model, and the context length, if the server lists its models.

    Args:
        client: The client of the server.
        wanted: The model name in the recipe; empty for the server's only model.
        cancelled: Polled several times a second.
        attempts: How often the server is asked at most.

    Raises:
        EndpointError: The server cannot be reached, or has no such model or several.
        Cancelled: ``cancelled`` returned True.
    """
    try:
        listed = client.wait(client.get("models", attempts), cancelled).get("data")
    except RequestError as error:
        if error.failure.status in _NOT_THERE:
            return wanted, None
        raise error.failure.error from None
    models = _tables(listed)
    named = {str(item.get("id")): item for item in models}
    host = client.address.host
    if wanted and named and wanted not in named:
        raise EndpointError(
            f"The server at {host} has no model “{wanted}”",
            evidence=f"it has {', '.join(list(named)[:5])}",
            next_step="Choose one of them as its model (“model” in the recipe).",
        )
    if not wanted and len(named) > 1:
        raise EndpointError(
            f"The server at {host} has several models",
            evidence=", ".join(list(named)[:5]),
            next_step="Choose one of them as its model (“model” in the recipe).",
        )
    name = wanted or next(iter(named), "")
    return name, _context(named.get(name, {}))


class _Handshake:
    def __init__(
        self,
        client: Client,
        wanted: str,
        top: int,
        matcher: Matcher,
        probe: Sequence[int],
        cancelled: Callable[[], bool],
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._top = top
        self._matcher = matcher
        self._probe = list(probe)
        self._cancelled = cancelled
        self._more: int | None = None

    def profile(self) -> Profile:
        model, context = find_model(self._client, self._wanted, self._cancelled)
        ids, extras = self._form(model)
        blocks = self._blocks(model, extras, ids=ids)
        return Profile(model, context, ids, extras, blocks, self._more)

    def _form(self, model: str) -> tuple[bool, Mapping[str, Any]]:
        """Whether to send prompts as ids, and the additional fields of every request."""
        for extras in (_AS_IDS, {}):
            by_ids = self._try(model, self._probe, extras)
            if by_ids is None:
                continue
            read_as_ids = self._row(by_ids, ids=bool(extras))
            by_text = self._try(model, PROBE, {})
            read_as_text = self._row(by_text, ids=False) if by_text else {}
            if _agree(read_as_ids, read_as_text):
                return True, extras
        answer = self._post(model, PROBE, {})
        self._row(answer, ids=False)
        counted = wire.prompt_tokens(answer)
        self._more = None if counted is None else counted - len(self._probe)
        return False, {}

    def _blocks(self, model: str, extras: Mapping[str, Any], *, ids: bool) -> Blocks:
        """The first format in which the log-probabilities of a prompt's last token are right.

        They must agree with those of a request for the token after the shorter prompt.
        """
        shorter = self._row(self._post(model, self._prompt(self._probe[:-1], ids), extras), ids=ids)
        for form in (Blocks.PROMPT_LOGPROBS, Blocks.ECHO, Blocks.ECHO_AFTER):
            block = Block(
                form, len(self._probe), self._probe[-1:], self._top, ids, self._matcher.spelled
            )
            answer = self._try(model, self._prompt(self._probe, ids), {**extras, **block.extras()})
            if answer is not None and self._tells(answer, block, shorter):
                return form
        return Blocks.NONE

    def _prompt(self, probe: Sequence[int], ids: bool) -> str | Sequence[int]:
        return probe if ids else self._matcher.text(probe) or ""

    def _tells(self, answer: Mapping[str, Any], block: Block, shorter: Mapping[int, float]) -> bool:
        try:
            positions = block.positions(wire.choice_of(answer))
        except wire.FormError:
            return False
        if positions is None:
            return False
        return _agree(shorter, self._matcher.match(positions[0], whole=False, ends=False))

    def _row(self, answer: Mapping[str, Any], *, ids: bool) -> dict[int, float]:
        """The log-probabilities of the first generated token, by id.

        Raises:
            EndpointError: The response has no log-probabilities.
        """
        try:
            choice = wire.choice_of(answer)
            found = wire.generated(choice, self._top, ids=ids)
        except wire.FormError as error:
            raise endpoint_errors.unusable(self._client.address, str(error)) from error
        if found is None or not any(found):
            raise endpoint_errors.no_logprobs(self._client.address)
        return self._matcher.match(found[-1] or {}, whole=False, ends=wire.ends(choice))

    def _try(
        self, model: str, prompt: str | Sequence[int], extras: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """The response, or None if the server rejects this format of a request."""
        try:
            return self._post(model, prompt, extras, attempts=1)
        except _NotUnderstoodError:
            return None

    def _post(
        self,
        model: str,
        prompt: str | Sequence[int],
        extras: Mapping[str, Any],
        attempts: int = 3,
    ) -> Mapping[str, Any]:
        body = wire.request(model, prompt, self._top, extras=extras)
        try:
            return self._wait(self._client.post("completions", body, attempts))
        except RequestError as error:
            failure = error.failure
            if failure.status in _NOT_UNDERSTOOD:
                raise _NotUnderstoodError(failure.error) from None
            raise failure.error from None

    def _wait(self, future: Future[dict[str, Any]]) -> dict[str, Any]:
        return self._client.wait(future, self._cancelled)


class _NotUnderstoodError(EndpointError):
    """The server rejects this format of a request; it may accept another."""

    def __init__(self, error: EndpointError) -> None:
        super().__init__(error.cause, evidence=error.evidence, next_step=error.next_step)


def _tables(listed: object) -> list[Mapping[str, Any]]:
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _context(model: Mapping[str, Any]) -> int | None:
    """The context length in a model list of vLLM or llama.cpp."""
    meta = model.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    for value in (model.get("max_model_len"), meta.get("n_ctx"), meta.get("n_ctx_train")):
        if isinstance(value, int) and value > 0:
            return value
    return None


def _agree(one: Mapping[int, float], other: Mapping[int, float]) -> bool:
    """Whether two rows agree, so that their prompts were read as the same tokens.

    More than half of the ids of ``one`` must be in ``other`` as well.
    """
    shared = one.keys() & other.keys()
    return 2 * len(shared) > len(one) and all(
        abs(one[index] - other[index]) <= _CLOSE for index in shared
    )
