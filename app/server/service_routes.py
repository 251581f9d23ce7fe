"""The routes beside completions: models, tokens, health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import FastAPI
from starlette.responses import Response

from app.errors import TuneshiftError
from app.server.api_errors import ERROR_RESPONSE, from_engine_error, json_response
from app.server.request_queue import RequestQueue, not_loaded
from app.server.served_models import describe, find_model
from app.server.server_events import ServedModel
from app.server.server_metrics import CONTENT_TYPE
from app.server.token_requests import DetokenizeRequest, TokenizeRequest

if TYPE_CHECKING:
    from app.checkpoints.text_coder import TextCoder  # imports torch

T = TypeVar("T")
_ERRORS: dict[int | str, dict[str, Any]] = dict.fromkeys((400, 404, 503), ERROR_RESPONSE)


def add_service_routes(application: FastAPI, queue: RequestQueue) -> None:
    """Add the routes that generate nothing."""

    @application.head("/v1/models", include_in_schema=False)
    @application.get("/v1/models")
    async def models() -> Response:
        listed = [describe(queue.model)] if queue.model else []
        return json_response({"object": "list", "data": listed})

    @application.head("/v1/models/{name:path}", include_in_schema=False)
    @application.get("/v1/models/{name:path}", responses=_ERRORS)
    async def model(name: str) -> Response:
        return json_response(describe(find_model(queue, name)))

    @application.head("/health", include_in_schema=False)
    @application.get("/health", responses=_ERRORS)
    async def health() -> Response:
        if queue.model is None:
            raise not_loaded()
        return json_response({"status": "ok"})

    @application.get("/metrics")
    async def metrics() -> Response:
        return Response(queue.metrics.text(queue.stats), media_type=CONTENT_TYPE)

    @application.post("/tokenize", responses=_ERRORS)
    async def tokenize(body: TokenizeRequest) -> Response:
        served = find_model(queue, body.model)
        try:
            ids = await _beside(partial(body.encode, _coder(served)))
        except TuneshiftError as error:
            raise from_engine_error(error, body.param) from error
        length = served.loaded.context_length
        return json_response({"count": len(ids), "max_model_len": length, "tokens": ids})

    @application.post("/detokenize", responses=_ERRORS)
    async def detokenize(body: DetokenizeRequest) -> Response:
        coder = _coder(find_model(queue, body.model))
        try:
            text = await _beside(partial(coder.decode, body.tokens))
        except TuneshiftError as error:
            raise from_engine_error(error, "tokens") from error
        return json_response({"prompt": text})


async def _beside(work: Callable[[], T]) -> T:
    """The result of ``work`` on a thread that exists for it alone: a long text takes seconds."""
    with ThreadPoolExecutor(1) as executor:
        return await asyncio.get_running_loop().run_in_executor(executor, work)


def _coder(model: ServedModel) -> TextCoder:
    if model.loaded.coder is None:
        raise not_loaded()
    return model.loaded.coder
