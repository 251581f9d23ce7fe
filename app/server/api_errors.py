"""Errors in the form of the OpenAI API."""

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
    TuneshiftError,
)

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An error to answer with.

    Args:
        status: Of the answer.
        message: What is wrong, in a sentence.
        kind: As the API names it.
        param: Which parameter is at fault, or None.
        code: What a program may compare, or None.
        headers: Of the answer.
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
        """The JSON of the answer."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> Response:
        """The answer."""
        return json_response(self.body(), self.status, self.headers)


def json_response(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer of JSON, in which everything that is not ASCII is escaped."""
    return Response(
        json.dumps(content, allow_nan=False), status, headers, media_type="application/json"
    )


def of_engine(error: TuneshiftError, param: str | None = None) -> ApiError:
    """The answer to an error of the engine.

    Only a prompt that is too long has the code ``context_length_exceeded``, at which clients leave
    out the beginning of a conversation.

    Args:
        error: What the engine says is wrong.
        param: The parameter that holds the prompt.
    """
    if isinstance(error, ContextLengthError):
        return ApiError(400, str(error), param=param, code="context_length_exceeded")
    if isinstance(error, PromptError):
        return ApiError(400, str(error), param=param, code="invalid_value")
    if isinstance(error, SettingsError):
        return ApiError(400, str(error), code="invalid_value")
    if isinstance(error, EndpointError):
        return ApiError(502, str(error), "upstream_error")
    if isinstance(error, ModelError):
        return ApiError(500, str(error), "server_error")
    return ApiError(503, str(error), "engine_error")


def install(application: FastAPI) -> None:
    """Answer every error of ``application`` in the form of the API."""

    @application.exception_handler(ApiError)
    async def _api_error(request: Request, error: ApiError) -> Response:
        return error.response()

    @application.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return _of_validation(error).response()

    @application.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return ApiError(error.status_code, _phrase(error), headers=error.headers).response()

    @application.exception_handler(Exception)
    async def _defect(request: Request, error: Exception) -> Response:
        log.error("a request failed", exc_info=error)
        return defect().response()


def defect() -> ApiError:
    """What to answer where the program is at fault."""
    return ApiError(500, "Tuneshift met an error that it does not know.", "server_error")


def _of_validation(error: RequestValidationError) -> ApiError:
    """The first thing that is wrong with a body; never what was given, which may be anything."""
    first = error.errors()[0]
    name = next((part for part in first["loc"][1:2] if isinstance(part, str)), "")
    where = f"“{name}”: " if name else ""
    return ApiError(400, f"{where}{first['msg']}", param=name or None, code=_code(first["type"]))


def _code(kind: str) -> str | None:
    """The code of the API for a kind of error of pydantic."""
    if kind == "json_invalid":
        return None
    if kind == "missing":
        return "missing_required_parameter"
    return "invalid_type" if kind.endswith(("_type", "_parsing")) else "invalid_value"


def _phrase(error: HTTPException) -> str:
    return f"{HTTPStatus(error.status_code).phrase}."
