"""Request bodies of ``/tokenize`` and ``/detokenize``, which have the form of vLLM's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from app.server.api_errors import ApiError
from app.server.chat_protocol import ChatMessage, conversation_of
from app.server.protocol import MAX_MESSAGES, Ids, RequestModel

if TYPE_CHECKING:
    from app.checkpoints.text_coder import TextCoder


class TokenizeRequest(RequestModel):
    """The body of a request to ``/tokenize``: a raw prompt, or messages."""

    model: str = ""
    prompt: str | None = Field(None, description="A text, read as by /v1/completions.")
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)] | None = (
        Field(None, description="Messages, read as by /v1/chat/completions.")
    )
    add_special_tokens: bool = Field(True, description="Whether a prompt begins as the model's do.")
    continue_final_message: bool = False

    @model_validator(mode="after")
    def _check_text(self) -> TokenizeRequest:
        if (self.prompt is None) == (self.messages is None):
            raise ApiError(
                400,
                "Send either “prompt” or “messages”",
                param="prompt",
                code="missing_required_parameter" if self.prompt is None else "invalid_value",
            )
        return self

    @property
    def param(self) -> str:
        """The name of the field with the text."""
        return "prompt" if self.messages is None else "messages"

    def encode(self, coder: TextCoder) -> list[int]:
        """The token ids of the text.

        Raises:
            PromptError: The text cannot be encoded.
        """
        if self.messages is not None:
            return coder.encode(conversation_of(self.messages, self.continue_final_message))
        text = self.prompt or ""
        return coder.encode_raw(text) if self.add_special_tokens else coder.encode_plain(text)


class DetokenizeRequest(RequestModel):
    """The body of a request to ``/detokenize``."""

    model: str = ""
    tokens: Ids
