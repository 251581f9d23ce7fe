"""A server that tunes its base itself (``tuneshift vllm``), and says what each pair did."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from transformers import GenerationConfig as GenerationDefaults

from app.checkpoints.endpoint_address import Address, address_of
from app.checkpoints.endpoints.client import Client
from app.checkpoints.endpoints.endpoint_errors import RequestError
from app.checkpoints.endpoints.handshake import PROBE, find_model
from app.checkpoints.endpoints.keys import find_sendable_key
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.prompts import encode_prompt
from app.checkpoints.spec import PLAIN, Recipe
from app.checkpoints.vocabulary.compare import end_ids, ids_named
from app.decoding.types import GenerationConfig
from app.errors import EndpointError, SettingsError

_ATTEMPTS = 2
_COMPLETIONS = "completions"


@dataclass(frozen=True, slots=True)
class ServedToken:
    """A token that a server generated.

    Attributes:
        token_id: Its id.
        record: What the server says of it, the extension ``tuneshift`` of its answers; None if it
            was not asked.
        logprob: Its log-probability after temperature and the other processors.
        ends: Whether it is an end-of-sequence token.
    """

    token_id: int
    record: dict[str, Any] | None
    logprob: float
    ends: bool


@dataclass(frozen=True, slots=True, eq=False)
class TunedServer:
    """A server whose pairs are those of a recipe.

    Attributes:
        opened: The recipe with the tokenizers of its roles; the base's is that of a pair.
        client: Its client.
        model: The server's name for the model.
        context: The context length, or None if the server does not say.
        end_ids: The end-of-sequence ids of all roles, as far as they are known here.
    """

    opened: OpenedRecipe
    client: Client
    model: str
    context: int | None
    end_ids: frozenset[int]

    @property
    def recipe(self) -> Recipe:
        return self.opened.recipe

    @property
    def base(self) -> OpenedRole:
        """The base, with the tokenizer of a pair."""
        return self.opened.roles[0]

    def generate(
        self,
        ids: Sequence[int],
        config: GenerationConfig,
        alphas: Sequence[float],
        cancelled: Callable[[], bool],
        *,
        contributions: bool = True,
    ) -> Generator[ServedToken, None, None]:
        """Generate after the ids of a text; stop strings are left to the caller.

        Args:
            ids: The ids of the prompt and of what follows it, in the base's tokenizer.
            config: The sampling settings; ``max_new_tokens`` counts the tokens to generate.
            alphas: The α of each pair.
            cancelled: Polled several times a second.
            contributions: Whether the tokens have records. Without, and with every α 0, the pairs
                cost nothing.

        Yields:
            The tokens, an end-of-sequence token included.

        Raises:
            EndpointError: The server cannot be reached, or refuses the request.
            Cancelled: ``cancelled`` returned True.
        """
        body = {
            **_body(self.model, self.recipe, ids, alphas, contributions),
            **_sampling(config),
            "stop_token_ids": sorted(self.end_ids),
            "return_token_ids": True,
            "stream": True,
            "logprobs": 0,
            "max_tokens": config.max_new_tokens,
        }
        try:
            with closing(self.client.stream(_COMPLETIONS, body, cancelled)) as events:
                for event in events:
                    for choice in event.get("choices", ()):
                        yield from self._tokens(choice, contributions)
        except RequestError as error:
            raise error.failure.error from None

    def _tokens(self, choice: dict[str, Any], contributions: bool) -> Iterator[ServedToken]:
        """The tokens of an event.

        Raises:
            EndpointError: Something is missing of them.
        """
        ids = choice.get("token_ids") or ()
        records = choice.get("tuneshift", {}).get("tokens", ())
        logprobs = (choice.get("logprobs") or {}).get("token_logprobs") or ()
        if len(logprobs) != len(ids) or (contributions and len(records) != len(ids)):
            raise _says_nothing(self.client.address.host)
        stopped = choice.get("finish_reason") == "stop"
        for place, (token, record, logprob) in enumerate(zip_longest(ids, records, logprobs), 1):
            yield ServedToken(token, record, logprob, stopped and place == len(ids))


def connect_tuned(opened: OpenedRecipe, cancelled: Callable[[], bool]) -> TunedServer:
    """Find out whether a server tunes its base with the pairs of a recipe.

    Args:
        opened: The recipe, whose base is on the server, with its tokenizers.
        cancelled: Polled several times a second.

    Raises:
        EndpointError: The server cannot be reached or used, or has another recipe.
        Cancelled: ``cancelled`` returned True.
    """
    recipe, base = opened.recipe, opened.roles[0]
    probe = encode_prompt(base.tokenizer, replace(base.spec, prompt=PLAIN), PROBE)
    ends = frozenset().union(*map(_end_ids, opened.roles))
    address = address_of(recipe.base.source)
    client = Client(address, find_sendable_key(address))
    model, context = find_model(client, recipe.base.model, cancelled)
    choice = ask_first_token(client, model, recipe, PROBE, cancelled)
    check_pairs(choice, recipe, address)
    if choice.get("prompt_token_ids") != list(probe):
        raise EndpointError(
            f"The server at {address.host} has another tokenizer than the recipe",
            evidence=f"“{PROBE}” is {choice.get('prompt_token_ids')}, and here {list(probe)}",
            next_step="Open the recipe that the server was started with.",
        )
    return TunedServer(opened, client, model, context, ends)


def ask_first_token(
    client: Client,
    model: str,
    recipe: Recipe,
    prompt: str | Sequence[int],
    cancelled: Callable[[], bool],
) -> dict[str, Any]:
    """The answer to a request for one greedy token, with the α of the recipe and contributions.

    Raises:
        EndpointError: The request failed, or the server has other pairs.
        Cancelled: ``cancelled`` returned True.
    """
    body = {**_body(model, recipe, prompt, recipe.alphas, True), "max_tokens": 1}
    body |= {"temperature": 0, "return_token_ids": True}
    try:
        answer = client.wait(client.post(_COMPLETIONS, body, _ATTEMPTS), cancelled)
    except RequestError as error:
        raise _explained(error, client.address.host) from None
    choice: dict[str, Any] = (answer.get("choices") or [{}])[0]
    return choice


def _body(
    model: str,
    recipe: Recipe,
    prompt: str | Sequence[int],
    alphas: Sequence[float],
    contributions: bool,
) -> dict[str, Any]:
    arguments = {
        f"alpha.{pair.name}": alpha for pair, alpha in zip(recipe.pairs, alphas, strict=True)
    }
    return {
        "model": model,
        "prompt": prompt if isinstance(prompt, str) else list(prompt),
        "vllm_xargs": {**arguments, "contributions": contributions},
    }


def _end_ids(role: OpenedRole) -> frozenset[int]:
    """The end-of-sequence ids of a role, those of its settings of generation included."""
    try:
        generation = GenerationDefaults.from_pretrained(role.files.folder, local_files_only=True)
    except OSError:  # it has none
        return end_ids(role)
    return end_ids(role) | ids_named([generation.eos_token_id])


def _says_nothing(host: str) -> EndpointError:
    return EndpointError(
        f"The server at {host} does not say what pairs do to its tokens",
        evidence="its answer has no contributions",
        next_step="Start it with tuneshift vllm, or load the base without “tuned”.",
    )


def _explained(error: RequestError, host: str) -> EndpointError:
    said = str(error.failure.error)
    if "There is no pair" not in said:
        return error.failure.error
    return EndpointError(
        f"The server at {host} tunes with other pairs than the recipe",
        evidence=said.partition("400: ")[2].rstrip(")."),
        next_step="Open the recipe that the server was started with.",
    )


def check_pairs(choice: dict[str, Any], recipe: Recipe, address: Address) -> None:
    """Check that an answer has contributions, and as many as the recipe has pairs.

    Raises:
        EndpointError: The server does not tune, or has other pairs.
    """
    records = choice.get("tuneshift", {}).get("tokens")
    if not records:
        raise _says_nothing(address.host)
    pairs = len(records[0]["contributions"])
    if pairs != len(recipe.pairs):
        raise EndpointError(
            f"The server at {address.host} tunes with other pairs than the recipe",
            evidence=f"it has {pairs}, the recipe has {len(recipe.pairs)}",
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
