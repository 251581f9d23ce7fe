"""The fields of a request that give the answer a structure: a JSON schema or a grammar."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.decoding.types import GRAMMAR, JSON, JSON_SCHEMA, OFF
from app.server.api_errors import ApiError

Structure = tuple[str, str]
"""``structure`` and ``structure_text`` of the sampling settings."""


class JsonSchema(BaseModel):
    """The ``json_schema`` of a response format; other fields of it are ignored."""

    model_config = ConfigDict(strict=True)
    schema_: dict[str, Any] | bool = Field(True, alias="schema")


class AnswerFormat(BaseModel):
    """The ``response_format`` of a request, as in the OpenAI API."""

    model_config = ConfigDict(strict=True)
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    def structure(self) -> Structure | None:
        """The structure that the format asks for; None for text.

        Raises:
            ApiError: A schema is asked for, and there is none.
        """
        if self.type == "text":
            return None
        if self.type == "json_object":
            return JSON, ""
        if self.json_schema is None:
            raise ApiError(
                400,
                "“response_format”: “json_schema” is missing",
                param="response_format",
                code="missing_required_parameter",
            )
        return JSON_SCHEMA, json.dumps(self.json_schema.schema_)


def structure_of(
    response_format: AnswerFormat | None, json_schema: dict[str, Any] | None, grammar: str | None
) -> Structure | None:
    """The structure that a request asks for; None where it names none.

    Args:
        response_format: As in the OpenAI API.
        json_schema: As in llama.cpp's server.
        grammar: A grammar in GBNF or Lark, as in llama.cpp's server; an empty one is none.

    Raises:
        ApiError: More than one is given.
    """
    given: dict[str, Structure] = {}
    if response_format and (asked := response_format.structure()):
        given["response_format"] = asked
    if json_schema is not None:
        given["json_schema"] = JSON_SCHEMA, json.dumps(json_schema)
    if grammar and grammar.strip():
        given["grammar"] = GRAMMAR, grammar
    if len(given) > 1:
        first, second, *_ = given
        raise ApiError(
            400,
            f"“{first}” and “{second}” cannot be combined",
            param=second,
            code="unsupported_value",
        )
    if response_format and not given:
        return OFF, ""
    return next(iter(given.values()), None)
