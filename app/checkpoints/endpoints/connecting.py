"""Connection of an endpoint base: find the key, negotiate with the server, build the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.checkpoints.endpoint_address import address_of
from app.checkpoints.endpoints.client import Client
from app.checkpoints.endpoints.endpoint_model import EndpointLanguageModel
from app.checkpoints.endpoints.handshake import PROBE, shake_hands
from app.checkpoints.endpoints.keys import find_sendable_key
from app.checkpoints.endpoints.matching import Matcher
from app.checkpoints.opening import OpenedRole
from app.checkpoints.prompts import encode_prompt
from app.checkpoints.spec import PLAIN


def connect(
    role: OpenedRole, context: int | None, cancelled: Callable[[], bool]
) -> EndpointLanguageModel:
    """Detect the capabilities of the endpoint of ``role`` and build its language model.

    Args:
        role: A base behind an endpoint, with the tokenizer and configuration of the first pair.
        context: The maximum context length in tokens, or None for no limit.
        cancelled: Polled several times a second.

    Raises:
        EndpointError: The endpoint cannot be used.
        Cancelled: ``cancelled`` returned True.
    """
    spec, tokenizer = role.spec, role.tokenizer
    address = address_of(spec.source)
    key = find_sendable_key(address)
    size = role.config.get_text_config().vocab_size
    matcher = Matcher(
        tokenizer.backend_tokenizer, size, tokenizer.bos_token_id, tokenizer.eos_token_id
    )
    client = Client(address, key)
    probe = encode_prompt(tokenizer, replace(spec, prompt=PLAIN), PROBE)
    profile = shake_hands(client, spec.model, spec.top_logprobs, matcher, probe, cancelled)
    return EndpointLanguageModel(client, profile, matcher, size, spec.top_logprobs, context)
