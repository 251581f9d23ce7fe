"""A check of the connection to an endpoint, which needs no weights and no tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from app.checkpoints.endpoint_address import address_of
from app.checkpoints.endpoints import endpoint_errors, wire
from app.checkpoints.endpoints.client import Client
from app.checkpoints.endpoints.endpoint_errors import RequestError
from app.checkpoints.endpoints.handshake import PROBE, find_model
from app.checkpoints.endpoints.keys import find_sendable_key
from app.checkpoints.endpoints.tuned_server import ask_first_token, check_pairs
from app.checkpoints.spec import Recipe

_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class CheckedConnection:
    """What a server said.

    Attributes:
        model: Its name for the model; empty if it lists none.
        context: The context length, or None if it does not say.
        logprobs: How many log-probabilities of a token it returned; None if it tunes itself.
    """

    model: str
    context: int | None
    logprobs: int | None


def check_connection(recipe: Recipe, cancelled: Callable[[], bool]) -> CheckedConnection:
    """Ask the endpoint of a recipe's base for its models, and for one token.

    Whether the tokenizers agree is found out when the recipe is loaded.

    Args:
        recipe: A recipe whose base is on a server.
        cancelled: Polled several times a second.

    Raises:
        EndpointError: The server cannot be reached or used, or tunes with other pairs.
        Cancelled: ``cancelled`` returned True.
    """
    base = recipe.base
    address = address_of(base.source)
    client = Client(address, find_sendable_key(address))
    with closing(client):
        model, context = find_model(client, base.model, cancelled, _ATTEMPTS)
        if base.tuned:
            check_pairs(ask_first_token(client, model, recipe, PROBE, cancelled), recipe, address)
            return CheckedConnection(model, context, None)
        try:
            body = wire.request(model, PROBE, base.top_logprobs, extras={})
            answer = client.wait(client.post("completions", body, _ATTEMPTS), cancelled)
            found = wire.generated(wire.choice_of(answer), base.top_logprobs, ids=False)
        except RequestError as error:
            raise error.failure.error from None
        except wire.FormError as error:
            raise endpoint_errors.unusable(address, str(error)) from error
    if not found or not found[-1]:
        raise endpoint_errors.no_logprobs(address)
    return CheckedConnection(model, context, len(found[-1]))
