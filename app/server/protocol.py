"""Request bodies of the OpenAI API, with the parameters that this server supports.

In all fields, null is the same as a missing value. Unknown fields are ignored. Unsupported fields
that would change the text are rejected by name.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app.checkpoints.conversation import Prompt, RawText, TokenIds
from app.decoding.types import MAX_BIAS, MAX_PENALTY, MAX_SEED, GenerationConfig
from app.server.api_errors import ApiError
from app.server.structured_fields import AnswerFormat, structure_of

MAX_CHOICES, MAX_PROMPTS, MAX_STOPS, MAX_LOGPROBS, MAX_MESSAGES = 16, 32, 16, 50, 1000
MAX_BIASES, MAX_GRAMMAR = 1024, 200_000
_MAX_IDS = 1_000_000
_Text = Annotated[str, Field(min_length=1)]
Ids = Annotated[
    list[Annotated[int, Field(strict=True, ge=0, lt=2**31)]],
    Field(min_length=1, max_length=_MAX_IDS),
]
_Stop = Annotated[str, Field(max_length=200)]
_UNSUPPORTED = {
    "best_of": 1,
    "suffix": "",
    "functions": [],
    "guided_json": None,
    "guided_regex": None,
    "guided_choice": None,
    "guided_grammar": None,
    "structured_outputs": None,
    "audio": None,
    "modalities": ["text"],
    "web_search_options": None,
}
"""Unsupported parameters that would change the text, and the neutral value that is accepted."""


def _integral(value: Any) -> Any:
    """Convert a float without a fraction to an integer: JSON does not distinguish them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(_integral)]
_LogitBias = Annotated[
    dict[
        Annotated[str, Field(pattern="^[0-9]{1,9}$")],
        Annotated[float, Field(ge=-MAX_BIAS, le=MAX_BIAS)],
    ],
    Field(max_length=MAX_BIASES),
    BeforeValidator(lambda value: {} if value == [] else value),
]


class RequestModel(BaseModel):
    """A pydantic model that treats null fields as missing."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None}
        return values


class StreamOptions(RequestModel):
    """The ``stream_options`` of a request."""

    include_usage: bool = False


class GenerationRequest(RequestModel):
    """Parameters that both endpoints have; a missing parameter takes its value from the recipe."""

    model: str = ""
    max_tokens: Annotated[Integer, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=100)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[Integer, Field(ge=0, le=10_000_000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.01, le=100)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-MAX_PENALTY, le=MAX_PENALTY)] | None = None
    presence_penalty: Annotated[float, Field(ge=-MAX_PENALTY, le=MAX_PENALTY)] | None = None
    logit_bias: _LogitBias | None = Field(
        None, description="A number for each token id of the base, which is added to its logit."
    )
    seed: Annotated[Integer, Field(ge=-(2**63), le=MAX_SEED)] | None = None
    response_format: AnswerFormat | None = None
    json_schema: dict[str, Any] | None = Field(None, description="As in llama.cpp's server.")
    grammar: Annotated[str, Field(max_length=MAX_GRAMMAR)] | None = Field(
        None, description="A grammar in GBNF, as in llama.cpp's server, or Lark."
    )
    stop: _Stop | Annotated[list[_Stop], Field(max_length=MAX_STOPS)] | None = None
    n: Annotated[Integer, Field(ge=1, le=MAX_CHOICES)] = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: str | None = None
    cache_prompt: bool = Field(
        True,
        description="Reuse what was read of the prompt before, which may change the rounding of "
        "logits; false reads it anew.",
    )
    alphas: (
        Annotated[list[Annotated[float, Field(ge=-1_000_000, le=1_000_000)]], Field(max_length=100)]
        | None
    ) = Field(None, description="The alpha of each expert pair, in the recipe's order.")
    alpha_policy: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="How alpha changes from token to token, such as kl:0.5; constant is off."
    )
    explain: bool = Field(
        True, description="Add the probabilities of each token and each pair's contribution."
    )

    @model_validator(mode="before")
    @classmethod
    def _normalize_limits(cls, values: Any) -> Any:
        """Replace −1, which llama.cpp and vLLM use for “no limit”."""
        if not isinstance(values, dict):
            return values
        _reject_unsupported(values)
        unlimited = {
            name: 0 if name == "top_k" else None
            for name in ("top_k", "max_tokens", "max_completion_tokens")
            if type(values.get(name)) in (int, float) and values[name] == -1
        }
        return values | unlimited

    def config(self, defaults: GenerationConfig, choice: int) -> GenerationConfig:
        """The sampling settings of one choice. With a seed, choice n has the seed plus n."""
        seed = secrets.randbelow(MAX_SEED) if self.seed is None else self.seed + choice
        given: dict[str, Any] = {
            "max_new_tokens": self.max_new_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "repetition_penalty": self.repetition_penalty,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "logit_bias": self._bias,
            "alpha_policy": self.alpha_policy,
        }
        structure = structure_of(self.response_format, self.json_schema, self.grammar)
        if structure is not None:
            given["structure"], given["structure_text"] = structure
        else:
            given |= {"structure": None, "structure_text": None}
        stops = (self.stop,) if isinstance(self.stop, str) else self.stop
        stop = defaults.stop if stops is None else tuple(filter(None, stops))
        values: dict[str, Any] = {
            name: getattr(defaults, name) if value is None else value
            for name, value in given.items()
        }
        return GenerationConfig(**values, seed=seed % MAX_SEED, stop=stop)

    @property
    def _bias(self) -> tuple[tuple[int, float], ...] | None:
        given = self.logit_bias
        return None if given is None else tuple((int(name), bias) for name, bias in given.items())

    @property
    def max_new_tokens(self) -> int | None:
        """The maximum number of generated tokens."""
        return self.max_tokens

    @property
    def echoes_prompt(self) -> bool:
        """Whether the response includes the prompt."""
        return False

    def alphas_for(self, defaults: tuple[float, ...]) -> tuple[float, ...]:
        """The alphas of the request, or ``defaults`` if it has none.

        Raises:
            ApiError: The number of alphas differs from the number of pairs.
        """
        if self.alphas is None:
            return defaults
        if len(self.alphas) != len(defaults):
            pairs = f"{len(defaults)} expert pair" + ("s" if len(defaults) > 1 else "")
            raise ApiError(
                400,
                f"“alphas” must have one value for each expert pair; the recipe has {pairs}.",
                param="alphas",
            )
        return tuple(self.alphas)


class CompletionRequest(GenerationRequest):
    """The body of a request to ``/v1/completions``."""

    prompt: (
        _Text
        | Annotated[list[_Text], Field(min_length=1, max_length=MAX_PROMPTS)]
        | Ids
        | Annotated[list[Ids], Field(min_length=1, max_length=MAX_PROMPTS)]
    ) = Field(
        description="A text, a list of token ids of the base's tokenizer, or a list of either."
    )
    max_tokens: Annotated[Integer, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="0 is allowed with echo only."
    )
    logprobs: Annotated[Integer, Field(ge=0, le=MAX_LOGPROBS)] | None = None
    echo: bool = Field(
        False,
        description="Include the prompt in the response, with log-probabilities of its tokens.",
    )

    @model_validator(mode="after")
    def _check_echo(self) -> CompletionRequest:
        if self.max_tokens == 0 and not self.echo:
            raise ApiError(
                400,
                "“max_tokens” may be 0 only with “echo”",
                param="max_tokens",
                code="invalid_value",
            )
        if self.echo and (self.stream or any(self.stop or ())):
            raise ApiError(
                400,
                "“echo” cannot be combined with “stream” or “stop”",
                param="echo",
                code="unsupported_value",
            )
        return self

    @property
    def max_new_tokens(self) -> int | None:
        # The engine generates at least one token; the response leaves it out.
        return 1 if self.max_tokens == 0 else self.max_tokens

    def config(self, defaults: GenerationConfig, choice: int) -> GenerationConfig:
        """The sampling settings of one choice.

        With ``echo``, stop strings do not apply, as the prompt may contain them.
        """
        config = super().config(defaults, choice)
        return replace(config, stop=()) if self.echo else config

    @property
    def echoes_prompt(self) -> bool:
        return self.echo

    @property
    def prompts(self) -> list[Prompt]:
        """All prompts of the request, which every role reads without its template."""
        prompt = self.prompt
        if isinstance(prompt, str):
            return [RawText(prompt)]
        if isinstance(prompt[0], int):
            return [TokenIds(tuple(prompt))]
        return [
            RawText(each) if isinstance(each, str) else TokenIds(tuple(each)) for each in prompt
        ]


def _reject_unsupported(values: dict[Any, Any]) -> None:
    """Reject unsupported parameters that would change the text.

    Raises:
        ApiError: Such a parameter has an effect.
    """
    for name, nothing in _UNSUPPORTED.items():
        value = values.get(name)
        if value is None or (value == nothing and not isinstance(value, bool)):
            continue
        if name == "best_of" and value == values.get("n"):  # all candidates are returned
            continue
        raise unsupported_error(name, f"“{name}” is not supported")


def unsupported_error(name: str, message: str) -> ApiError:
    """The error for a parameter that would change the text and is not supported."""
    return ApiError(400, message, param=name, code="unsupported_parameter")
