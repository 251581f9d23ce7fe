"""A server that tunes its base itself (``tuneshift vllm``), and says what each pair did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from app.checkpoints.endpoint_address import address_of
from app.checkpoints.endpoints.client import Client
from app.checkpoints.endpoints.endpoint_errors import RequestError
from app.checkpoints.endpoints.handshake import PROBE
from app.checkpoints.endpoints.keys import find_key
from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.errors import EndpointError, SettingsError

_ATTEMPTS = 2
_COMPLETIONS = "completions"


@dataclass(frozen=True, slots=True)
class ServedToken:
    """A token that a server generated.

    Attributes:
        record: What the server says of it: the extension ``tuneshift`` of its answers.
        logprob: Its log-probability after temperature and the other processors.
    """

    record: dict[str, Any]
    logprob: float


@dataclass(frozen=True, slots=True, eq=False)
class TunedServer:
    """A server whose pairs are those of a recipe.

    Attributes:
        recipe: The recipe.
        client: Its client.
        model: The server's name for the model.
        context: The context length, or None if the server does not say.
    """

    recipe: Recipe
    client: Client
    model: str
    context: int | None

    def generate(
        self,
        ids: Sequence[int],
        config: GenerationConfig,
        alphas: Sequence[float],
        cancelled: Callable[[], bool],
    ) -> Iterator[ServedToken]:
        """Generate after the ids of a text; stop strings are left to the caller.

        Args:
            ids: The ids of the prompt and of what follows it, in the base's tokenizer.
            config: The sampling settings; ``max_new_tokens`` counts the tokens to generate.
            alphas: The α of each pair.
            cancelled: Polled several times a second.

        Yields:
            The tokens, an end-of-sequence token included.

        Raises:
            EndpointError: The server cannot be reached, or refuses the request.
            Cancelled: ``cancelled`` returned True.
        """
        body = {
            **self._body(ids, alphas),
            **_sampling(config),
            "stream": True,
            "logprobs": 0,
            "max_tokens": config.max_new_tokens,
        }
        try:
            with closing(self.client.stream(_COMPLETIONS, body, cancelled)) as events:
                for event in events:
                    for choice in event.get("choices", ()):
                        records = choice.get("tuneshift", {}).get("tokens", ())
                        logprobs = (choice.get("logprobs") or {}).get("token_logprobs") or ()
                        yield from map(ServedToken, records, logprobs)
        except RequestError as error:
            raise error.failure.error from None

    def first_token(
        self, prompt: str | Sequence[int], cancelled: Callable[[], bool]
    ) -> dict[str, Any]:
        """The answer to a request for one greedy token with the α of the recipe.

        Raises:
            RequestError: The request failed.
            Cancelled: ``cancelled`` returned True.
        """
        body = {**self._body(prompt, self.recipe.alphas), "max_tokens": 1, "temperature": 0}
        body["return_token_ids"] = True
        found = self.client.post(_COMPLETIONS, body, _ATTEMPTS)
        choices = self.client.wait(found, cancelled).get("choices") or [{}]
        choice: dict[str, Any] = choices[0]
        return choice

    def _body(self, prompt: str | Sequence[int], alphas: Sequence[float]) -> dict[str, Any]:
        pairs = zip(self.recipe.pairs, alphas, strict=True)
        arguments = {f"alpha.{pair.name}": alpha for pair, alpha in pairs}
        return {
            "model": self.model,
            "prompt": prompt if isinstance(prompt, str) else list(prompt),
            "vllm_xargs": {**arguments, "contributions": True},
        }


def connect_tuned(
    recipe: Recipe, probe: Sequence[int], cancelled: Callable[[], bool]
) -> TunedServer:
    """Find out whether a server tunes its base with the pairs of a recipe.

    Args:
        recipe: The recipe, whose base is on the server.
        probe: The ids of ``PROBE`` in the tokenizer that is expected of the base.
        cancelled: Polled several times a second.

    Raises:
        EndpointError: The server cannot be reached or used, or has another recipe.
        Cancelled: ``cancelled`` returned True.
    """
    address = address_of(recipe.base.source)
    client = Client(address, find_key(address))
    try:
        listed = client.wait(client.get("models"), cancelled).get("data") or [{}]
        named = {str(each.get("id")): each for each in listed if isinstance(each, dict)}
        model = recipe.base.model or next(iter(named), "")
        context = named.get(model, {}).get("max_model_len")
        server = TunedServer(recipe, client, model, context if isinstance(context, int) else None)
        choice = server.first_token(PROBE, cancelled)
    except RequestError as error:
        raise _explained(error, address.host) from None
    _check(choice, recipe, list(probe), address.host)
    return server


def _explained(error: RequestError, host: str) -> EndpointError:
    said = str(error.failure.error)
    if "There is no pair" not in said:
        return error.failure.error
    return EndpointError(
        f"The server at {host} tunes with other pairs than the recipe",
        evidence=said.partition("400: ")[2].rstrip(")."),
        next_step="Open the recipe that the server was started with.",
    )


def _check(choice: dict[str, Any], recipe: Recipe, probe: list[int], host: str) -> None:
    """Check the answer to the probe.

    Raises:
        EndpointError: The server does not tune, has other pairs or another tokenizer.
    """
    records = choice.get("tuneshift", {}).get("tokens")
    if not records:
        raise EndpointError(
            f"The server at {host} does not say what pairs do to its tokens",
            evidence="its answer has no contributions",
            next_step="Start it with tuneshift vllm, or load the base without “tuned”.",
        )
    pairs = len(records[0]["contributions"])
    if pairs != len(recipe.pairs):
        raise EndpointError(
            f"The server at {host} tunes with other pairs than the recipe",
            evidence=f"it has {pairs}, the recipe has {len(recipe.pairs)}",
            next_step="Open the recipe that the server was started with.",
        )
    if choice.get("prompt_token_ids") != probe:
        raise EndpointError(
            f"The server at {host} has another tokenizer than the recipe",
            evidence=f"“{PROBE}” is {choice.get('prompt_token_ids')}, and here {probe}",
            next_step="Open the recipe that the server was started with.",
        )


def _sampling(config: GenerationConfig) -> dict[str, Any]:
    """The sampling settings as vLLM names them.

    Raises:
        SettingsError: A setting cannot be had on a server.
    """
    if config.structured:
        raise SettingsError(
            "A structure cannot be asked of a server here",
            next_step="Set it to off, or load the models here.",
        )
    found: dict[str, Any] = {
        "temperature": config.temperature,
        "top_k": config.top_k or -1,
        "top_p": config.top_p,
        "min_p": config.min_p,
        "repetition_penalty": config.repetition_penalty,
        "frequency_penalty": config.frequency_penalty,
        "presence_penalty": config.presence_penalty,
        "seed": config.seed,
    }
    if config.logit_bias:
        found["logit_bias"] = {str(token): bias for token, bias in config.logit_bias}
    return found
