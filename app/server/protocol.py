"""The requests of the OpenAI API, as far as they mean something here.

One rule for every field: null is as if the field were not given, a field that is not known is
ignored, and a field that would change the text and is not supported is refused by name.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app.checkpoints.conversation import (
    ASSISTANT,
    SYSTEM,
    USER,
    Conversation,
    Message,
    Prompt,
    TokenIds,
)
from app.decoding.types import MAX_SEED, GenerationConfig
from app.server.api_errors import ApiError

MOST_CHOICES, MOST_PROMPTS, MOST_STOPS, MOST_LOGPROBS, MOST_MESSAGES = 16, 32, 16, 50, 1000
_MOST_IDS = 1_000_000
_TEXT = Annotated[str, Field(min_length=1)]
_IDS = Annotated[
    list[Annotated[int, Field(strict=True, ge=0, lt=2**31)]],
    Field(min_length=1, max_length=_MOST_IDS),
]
_STOP = Annotated[str, Field(max_length=200)]
_UNSUPPORTED = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logit_bias": {},
    "best_of": 1,
    "suffix": "",
    "tools": [],
    "functions": [],
    "response_format": {"type": "text"},
    "audio": None,
    "modalities": ["text"],
    "web_search_options": None,
}
"""Parameters that would change the text, with what they may be, since it asks for nothing."""


def _whole(value: Any) -> Any:
    """A number without a fraction as an integer, as JSON knows no difference."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_INTEGER = Annotated[int, BeforeValidator(_whole)]


class Given(BaseModel):
    """A table of a request, without the fields that are null."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None}
        return values


class StreamOptions(Given):
    """How a stream ends."""

    include_usage: bool = False


class Sampling(Given):
    """What both kinds of request have; what is not given is as the recipe says."""

    model: str = ""
    max_tokens: Annotated[_INTEGER, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=100)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[_INTEGER, Field(ge=0, le=10_000_000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.01, le=100)] | None = None
    seed: Annotated[_INTEGER, Field(ge=-(2**63), le=MAX_SEED)] | None = None
    stop: _STOP | Annotated[list[_STOP], Field(max_length=MOST_STOPS)] | None = None
    n: Annotated[_INTEGER, Field(ge=1, le=MOST_CHOICES)] = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: str | None = None
    alphas: (
        Annotated[list[Annotated[float, Field(ge=-1_000_000, le=1_000_000)]], Field(max_length=100)]
        | None
    ) = Field(None, description="The weight of each expert pair, in the recipe's order.")
    explain: bool = Field(
        True, description="Say of every token what it was to the base and what each pair did."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_words_of_other_servers(cls, values: Any) -> Any:
        """-1 is how llama.cpp and vLLM write that a number is not limited."""
        if not isinstance(values, dict):
            return values
        _refuse_unsupported(values)
        unlimited = {
            name: 0 if name == "top_k" else None
            for name in ("top_k", "max_tokens", "max_completion_tokens")
            if type(values.get(name)) in (int, float) and values[name] == -1
        }
        return values | unlimited

    def config(self, defaults: GenerationConfig, choice: int) -> GenerationConfig:
        """The settings of one choice; with a seed, each choice has another one."""
        seed = secrets.randbelow(MAX_SEED) if self.seed is None else self.seed + choice
        given = {
            "max_new_tokens": self.longest,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "repetition_penalty": self.repetition_penalty,
        }
        stops = (self.stop,) if isinstance(self.stop, str) else self.stop
        stop = defaults.stop if stops is None else tuple(filter(None, stops))
        values: dict[str, Any] = {
            name: getattr(defaults, name) if value is None else value
            for name, value in given.items()
        }
        return GenerationConfig(**values, seed=seed % MAX_SEED, stop=stop)

    @property
    def longest(self) -> int | None:
        """The most tokens of the answer."""
        return self.max_tokens

    @property
    def echoes(self) -> bool:
        """Whether the prompt is part of the answer."""
        return False

    def alphas_for(self, defaults: tuple[float, ...]) -> tuple[float, ...]:
        """The weights in force.

        Raises:
            ApiError: There is not one for each pair.
        """
        if self.alphas is None:
            return defaults
        if len(self.alphas) != len(defaults):
            pairs = f"{len(defaults)} expert pair" + ("s" if len(defaults) > 1 else "")
            raise ApiError(
                400,
                f"There must be one alpha for each expert pair; the recipe has {pairs}.",
                param="alphas",
            )
        return tuple(self.alphas)


class CompletionRequest(Sampling):
    """A request to ``/v1/completions``."""

    prompt: (
        _TEXT
        | Annotated[list[_TEXT], Field(min_length=1, max_length=MOST_PROMPTS)]
        | _IDS
        | Annotated[list[_IDS], Field(min_length=1, max_length=MOST_PROMPTS)]
    ) = Field(description="A text, the ids of one in the tokenizer of the base, or several.")
    max_tokens: Annotated[_INTEGER, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="0 with echo alone."
    )
    logprobs: Annotated[_INTEGER, Field(ge=0, le=MOST_LOGPROBS)] | None = None
    echo: bool = Field(False, description="Give the prompt back, and score its tokens.")

    @model_validator(mode="after")
    def _check_echo(self) -> CompletionRequest:
        if self.max_tokens == 0 and not self.echo:
            raise ApiError(
                400,
                "“max_tokens” of 0 asks for nothing, unless “echo” is on",
                param="max_tokens",
                code="invalid_value",
            )
        if self.echo and (self.stream or any(self.stop or ())):
            raise ApiError(
                400,
                "“echo” together with “stream” or “stop” is not supported",
                param="echo",
                code="unsupported_value",
            )
        return self

    @property
    def longest(self) -> int | None:
        # With nothing to be written one token is, and left out of the answer.
        return 1 if self.max_tokens == 0 else self.max_tokens

    def config(self, defaults: GenerationConfig, choice: int) -> GenerationConfig:
        """The settings of one choice; a prompt that is echoed may hold stop strings."""
        config = super().config(defaults, choice)
        return replace(config, stop=()) if self.echo else config

    @property
    def echoes(self) -> bool:
        return self.echo

    @property
    def prompts(self) -> list[Prompt]:
        """Every prompt."""
        prompt = self.prompt
        if isinstance(prompt, str):
            return [prompt]
        if isinstance(prompt[0], int):
            return [TokenIds(tuple(prompt))]
        return [each if isinstance(each, str) else TokenIds(tuple(each)) for each in prompt]


class ContentPart(Given):
    """A part of a message: text, or what an assistant said instead of an answer."""

    type: Literal["text", "refusal"]
    text: str = ""
    refusal: str = ""


class ChatMessage(Given):
    """A message of a chat. An assistant may have said nothing."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[ContentPart] = ""

    @model_validator(mode="before")
    @classmethod
    def _refuse_calls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for name in ("tool_calls", "function_call", "audio"):
            if values.get(name):
                raise _unsupported("messages", f"“{name}” of a message is not supported")
        if values.get("content") is None and values.get("role") != "assistant":
            raise ApiError(
                400,
                "“messages”: only an assistant's message may have no content",
                param="messages",
                code="missing_required_parameter",
            )
        return values

    def message(self) -> Message:
        """The message as the engine reads it."""
        content = self.content
        if not isinstance(content, str):
            content = "".join(part.text or part.refusal for part in content)
        role = {"developer": SYSTEM, "user": USER, "assistant": ASSISTANT}.get(self.role, SYSTEM)
        return Message(role, content)


class ChatRequest(Sampling):
    """A request to ``/v1/chat/completions``."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_completion_tokens: Annotated[_INTEGER, Field(ge=1, le=1_000_000)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[_INTEGER, Field(ge=0, le=MOST_LOGPROBS)] | None = None

    @property
    def longest(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    def conversation(self) -> Conversation:
        """The messages as the engine reads them."""
        return Conversation(tuple(item.message() for item in self.messages))


def _refuse_unsupported(values: dict[Any, Any]) -> None:
    """Refuse what would change the text and is not done.

    Raises:
        ApiError: There is such a parameter, and it asks for something.
    """
    for name, nothing in _UNSUPPORTED.items():
        asked = values.get(name)
        if asked is None or (asked == nothing and not isinstance(asked, bool)):
            continue
        if name == "best_of" and asked == values.get("n"):  # every one of them is returned
            continue
        raise _unsupported(name, f"“{name}” is not supported")


def _unsupported(name: str, message: str) -> ApiError:
    return ApiError(400, message, param=name, code="unsupported_parameter")
