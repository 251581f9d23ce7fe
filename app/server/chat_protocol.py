"""Request bodies of ``/v1/chat/completions``: messages, and the tools that they may call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from app.checkpoints.conversation import ASSISTANT, SYSTEM, TOOL, Conversation, Message
from app.server.api_errors import ApiError
from app.server.protocol import (
    MAX_LOGPROBS,
    MAX_MESSAGES,
    GenerationRequest,
    Integer,
    RequestModel,
    unsupported_error,
)

MAX_TOOLS, MAX_TOOL_NAME = 128, 200


class ContentPart(RequestModel):
    """A part of a chat message: text, or the refusal of an assistant."""

    type: Literal["text", "refusal"]
    text: str = ""
    refusal: str = ""


class CalledFunction(RequestModel):
    """The function of a call; ``arguments`` is JSON."""

    name: str
    arguments: str = "{}"


class CalledTool(RequestModel):
    """A call in a message of the assistant."""

    id: str = ""
    function: CalledFunction

    def as_template_reads_it(self) -> dict[str, Any]:
        """The call with its arguments as an object, as chat templates expect it."""
        try:
            arguments: Any = json.loads(self.function.arguments or "{}")
        except (ValueError, RecursionError):  # no JSON, or nested too deeply
            arguments = self.function.arguments
        function = {"name": self.function.name, "arguments": arguments}
        return {"id": self.id, "type": "function", "function": function}


class ToolFunction(RequestModel):
    """The description of a function that may be called."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_TOOL_NAME)]
    parameters: dict[str, Any] | None = None


class Tool(RequestModel):
    """A tool that the answer may call."""

    type: Literal["function"]
    function: ToolFunction


class NamedFunction(RequestModel):
    """The name of a function in ``tool_choice``."""

    name: str


class NamedTool(RequestModel):
    """A ``tool_choice`` that names the function to call."""

    type: Literal["function"]
    function: NamedFunction


def _known_choice(value: Any) -> Any:
    """A ``tool_choice`` in one of its forms.

    Raises:
        ApiError: It has another form.
    """
    function = value.get("function") if isinstance(value, dict) else None
    named = isinstance(function, dict) and isinstance(function.get("name"), str)
    if value in (None, "auto", "none", "required") or (named and value.get("type") == "function"):
        return value
    raise ApiError(
        400,
        "“tool_choice” must be “auto”, “none”, “required”, or name a function as "
        '{"type": "function", "function": {"name": …}}',
        param="tool_choice",
        code="unsupported_value",
    )


class ChatMessage(RequestModel):
    """A chat message. The message of an assistant may be empty."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] = ""
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _reject_unsupported(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for name in ("function_call", "audio"):
            if values.get(name):
                raise unsupported_error("messages", f"“{name}” of a message is not supported")
        if values.get("content") is None and values.get("role") != "assistant":
            raise ApiError(
                400,
                "“messages”: only an assistant's message may have no content",
                param="messages",
                code="missing_required_parameter",
            )
        return values

    def message(self) -> Message:
        """The message in the engine's format."""
        content = self.content
        if not isinstance(content, str):
            content = "".join(part.text or part.refusal for part in content)
        fields: dict[str, Any] = {}
        if self.tool_calls:
            fields["tool_calls"] = [call.as_template_reads_it() for call in self.tool_calls]
        if self.role == TOOL:
            fields["tool_call_id"] = self.tool_call_id
        role = SYSTEM if self.role == "developer" else self.role
        return Message(role, content, json.dumps(fields) if fields else "")


class ChatRequest(GenerationRequest):
    """The body of a request to ``/v1/chat/completions``."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    max_completion_tokens: Annotated[Integer, Field(ge=1, le=1_000_000)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[Integer, Field(ge=0, le=MAX_LOGPROBS)] | None = None
    continue_final_message: bool = Field(
        False, description="Continue the last message, which must be an assistant's."
    )
    add_generation_prompt: bool | None = Field(
        None, description="As in vLLM: false with `continue_final_message`, else true."
    )

    tools: Annotated[list[Tool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: Annotated[
        Literal["auto", "none", "required"] | NamedTool | None, BeforeValidator(_known_choice)
    ] = Field(None, description="“auto”, “none”, “required”, or the function to call.")
    parallel_tool_calls: bool = Field(
        True, description="Whether an answer that has to call a tool may call several."
    )

    @model_validator(mode="after")
    def _check_tool_choice(self) -> ChatRequest:
        chosen = self.tool_choice
        if chosen in (None, "auto", "none"):
            return self
        if not self.forced_tools:
            named = (
                f"have “{chosen.function.name}”" if isinstance(chosen, NamedTool) else "name any"
            )
            raise ApiError(
                400,
                f"“tool_choice” asks for a call, and “tools” does not {named}",
                param="tool_choice",
                code="invalid_value",
            )
        for name in ("response_format", "json_schema", "grammar"):
            if getattr(self, name):
                raise ApiError(
                    400,
                    f"“{name}” cannot be combined with a “tool_choice” that makes a call",
                    param=name,
                    code="unsupported_value",
                )
        return self

    @property
    def forced_tools(self) -> list[ToolFunction]:
        """The functions of which the answer has to call one; empty if it need not call any."""
        functions = [tool.function for tool in self.tools or ()]
        if isinstance(self.tool_choice, NamedTool):
            return [one for one in functions if one.name == self.tool_choice.function.name]
        return functions if self.tool_choice == "required" else []

    @property
    def offers_tools(self) -> bool:
        """Whether the answer may call a tool."""
        return bool(self.tools) and self.tool_choice != "none"

    @model_validator(mode="after")
    def _check_continuation(self) -> ChatRequest:
        if self.continue_final_message == self.add_generation_prompt:
            raise ApiError(
                400,
                "“add_generation_prompt” must be false with “continue_final_message”, else true",
                param="add_generation_prompt",
                code="unsupported_value",
            )
        last = self.messages[-1]
        if self.continue_final_message and not (last.role == ASSISTANT and last.content):
            raise ApiError(
                400,
                "“continue_final_message”: the last message must be an assistant's, with text",
                param="messages",
                code="invalid_value",
            )
        return self

    @property
    def max_new_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    def conversation(self) -> Conversation:
        """The messages in the engine's format."""
        tools = [tool.model_dump() for tool in self.tools or ()] if self.offers_tools else []
        given = conversation_of(self.messages, self.continue_final_message)
        return replace(given, tools=json.dumps(tools)) if tools else given


def conversation_of(messages: Sequence[ChatMessage], continues: bool) -> Conversation:
    """Messages of the API as the engine reads them; ``continues`` as in :class:`Conversation`."""
    return Conversation(tuple(item.message() for item in messages), continues)
