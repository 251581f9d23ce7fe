"""Errors in the format of the OpenAI API, and conversion of other errors to them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.errors import (
    ContextLengthError,
    EndpointError,
    ModelError,
    PromptError,
    SettingsError,
    StructureError,
    TuneshiftError,
    kind_and_places,
)

log = logging.getLogger(__name__)

ERROR_RESPONSE = {"description": "An error in the form of the OpenAI API."}
"""Describes an error in the OpenAPI schema."""


class ApiError(Exception):
    """An error response.

    Args:
        status: The HTTP status.
        message: A sentence that says what is wrong.
        kind: The ``type`` field of the error object.
        param: The request parameter that is wrong, or None.
        code: A machine-readable code, or None.
        headers: Additional response headers.
    """

    def __init__(
        self,
        status: int,
        message: str,
        kind: str = "invalid_request_error",
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON body of the response."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> Response:
        """The HTTP response."""
        return json_response(self.body(), self.status, self.headers)


def json_response(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON response; non-ASCII characters are escaped."""
    return Response(
        json.dumps(content, allow_nan=False), status, headers, media_type="application/json"
    )


def from_engine_error(error: TuneshiftError, param: str | None = None) -> ApiError:
    """The API error for an error of the engine.

    Only a prompt that exceeds the context has the code ``context_length_exceeded``, since clients
    react to it by dropping the beginning of a conversation.

    Args:
        error: The engine's error.
        param: The request parameter with the prompt.
    """
    if isinstance(error, ContextLengthError):
        return ApiError(400, str(error), param=param, code="context_length_exceeded")
    if isinstance(error, PromptError):
        return ApiError(400, str(error), param=param, code="invalid_value")
    if isinstance(error, StructureError):
        named = "grammar" if error.of_grammar else "response_format"
        return ApiError(400, str(error), param=named, code="invalid_value")
    if isinstance(error, SettingsError):
        return ApiError(400, str(error), code="invalid_value")
    if isinstance(error, EndpointError):
        return ApiError(502, str(error), "upstream_error")
    if isinstance(error, ModelError):
        return ApiError(500, str(error), "server_error")
    return ApiError(503, str(error), "engine_error")


def install(application: FastAPI) -> None:
    """Register exception handlers that give every error the format of the API."""

    @application.exception_handler(ApiError)
    async def _api_error(request: Request, error: ApiError) -> Response:
        return error.response()

    @application.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return _from_validation_error(error).response()

    @application.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return ApiError(error.status_code, _phrase(error), headers=error.headers).response()

    @application.exception_handler(Exception)
    async def _defect(request: Request, error: Exception) -> Response:
        log.error("a request failed\n%s", kind_and_places(error))
        return internal_error().response()


def internal_error() -> ApiError:
    """The error for an unexpected exception (a defect of the program)."""
    return ApiError(
        500, "An internal error occurred in Tuneshift; its log has the details.", "server_error"
    )


def _from_validation_error(error: RequestValidationError) -> ApiError:
    """The error for the first invalid field of a body.

    The invalid value is not repeated in the message.
    """
    first = error.errors()[0]
    name = next((part for part in first["loc"][1:2] if isinstance(part, str)), "")
    where = f"“{name}”: " if name else ""
    return ApiError(400, f"{where}{first['msg']}", param=name or None, code=_code(first["type"]))


def _code(kind: str) -> str | None:
    """The API's error code for a type of validation error of pydantic."""
    if kind == "json_invalid":
        return None
    if kind == "missing":
        return "missing_required_parameter"
    return "invalid_type" if kind.endswith(("_type", "_parsing")) else "invalid_value"


def _phrase(error: HTTPException) -> str:
    return f"{HTTPStatus(error.status_code).phrase}."
