"""The API: what is asked at which address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from app import __version__
from app.checkpoints.conversation import Prompt
from app.checkpoints.spec import PLAIN, Recipe
from app.engine.events import TokenDecoded
from app.errors import SettingsError
from app.server import api_errors
from app.server.access import Access, Limits
from app.server.access_middleware import Guard
from app.server.api_errors import ApiError, json_response
from app.server.completion_tokens import Piece, piece_of
from app.server.completions import Form, write_stream, write_whole
from app.server.protocol import ChatRequest, CompletionRequest, Sampling
from app.server.request_queue import Desk, Job, not_loaded
from app.server.responses import WorkingJson, WorkingStream
from app.server.server_events import Model

ANY_MODEL = "tuneshift"
"""A name that always means the recipe that is served."""
_LONGEST_NAME = 200
_ERROR = {"description": "An error in the form of the OpenAI API."}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/event-stream": {}}},
    **dict.fromkeys((400, 401, 403, 404, 408, 413, 415, 422, 429, 502, 503, 504), _ERROR),
}


def model_id(recipe: Recipe) -> str:
    """What the recipe is called as a model, such as ``qwen2-5-7b-instructed``."""
    return re.sub(r"[^a-z0-9]+", "-", recipe.name.lower()).strip("-") or ANY_MODEL


def make_application(desk: Desk, access: Access, limits: Limits) -> ASGIApp:
    """The API over what ``desk`` serves, guarded."""
    application = FastAPI(
        title="Tuneshift",
        description="Proxy-tuned models behind the OpenAI API.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
    )
    api_errors.install(application)
    _add_routes(application, desk, limits)
    if access.origins:
        application.add_middleware(
            CORSMiddleware,
            allow_origins=list(access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
    return Guard(application, access, limits)


def _add_routes(application: FastAPI, desk: Desk, limits: Limits) -> None:
    api = _Api(desk, limits)

    @application.get("/v1/models")
    async def models() -> Response:
        return json_response({"object": "list", "data": api.models()})

    @application.get("/v1/models/{name:path}", responses={404: _ERROR})
    async def model(name: str) -> Response:
        return json_response(describe(api.served(name).recipe))

    @application.post("/v1/completions", responses=_RESPONSES)
    async def completions(asked: CompletionRequest, request: Request) -> Response:
        model, most = api.served(asked.model), asked.logprobs or 0
        if asked.echo:
            check_can_echo(model.recipe)
        jobs = [
            api.job(model, asked, prompt, choice, most, request)
            for prompt in asked.prompts
            for choice in range(asked.n)
        ]
        return api.answer(model, asked, jobs, chat=False, logprobs=asked.logprobs is not None)

    @application.post("/v1/chat/completions", responses=_RESPONSES)
    async def chat(asked: ChatRequest, request: Request) -> Response:
        model, most = api.served(asked.model), (asked.top_logprobs or 0) if asked.logprobs else 0
        conversation = asked.conversation()
        jobs = [
            api.job(model, asked, conversation, choice, most, request) for choice in range(asked.n)
        ]
        return api.answer(model, asked, jobs, chat=True, logprobs=bool(asked.logprobs))


def check_can_echo(recipe: Recipe) -> None:
    """Refuse to score a prompt that the roles read in different forms.

    Raises:
        ApiError: Some role's prompt format is not plain.
    """
    if any(spec.prompt != PLAIN for spec in recipe.checkpoints()):
        raise ApiError(
            400,
            "“echo” needs roles that all read the prompt as it is; here some have a prompt format.",
            param="echo",
        )


def describe(recipe: Recipe) -> dict[str, Any]:
    """How a recipe is described as a model."""
    pairs = [{"name": pair.name, "alpha": pair.alpha} for pair in recipe.pairs]
    return {
        "id": model_id(recipe),
        "object": "model",
        "created": 0,
        "owned_by": "tuneshift",
        "tuneshift": {"name": recipe.name, "pairs": pairs},
    }


class _Api:
    """What the routes share."""

    def __init__(self, desk: Desk, limits: Limits) -> None:
        self._desk = desk
        self._limits = limits

    def models(self) -> list[dict[str, Any]]:
        """The one model that is served, or none while none is loaded."""
        model = self._desk.model
        return [describe(model.recipe)] if model else []

    def served(self, name: str) -> Model:
        """What is served, where it goes by this name.

        Raises:
            ApiError: It is another model, or none is loaded.
        """
        model = self._desk.model
        if model is None:
            raise not_loaded()
        id_ = model_id(model.recipe)
        if name not in ("", ANY_MODEL, id_, model.recipe.name):
            raise ApiError(
                404,
                f"There is no such model; the one that is served is “{id_}”.",
                param="model",
                code="model_not_found",
            )
        return model

    def job(
        self,
        model: Model,
        asked: Sampling,
        prompt: Prompt,
        choice: int,
        most: int,
        request: Request,
    ) -> Job:
        """One text of a request."""

        def keep(event: TokenDecoded) -> Piece:
            return piece_of(event, most, explain=asked.explain)

        try:
            config = asked.config(model.recipe.sampling, choice)
        except SettingsError as error:
            raise api_errors.of_engine(error) from error
        alphas = asked.alphas_for(model.recipe.alphas)
        client, loads = _client(asked, request), self._desk.loads
        return Job(client, prompt, config, alphas, keep, loads, asked.echoes)

    def answer(
        self, model: Model, asked: Sampling, jobs: Sequence[Job], *, chat: bool, logprobs: bool
    ) -> Response:
        """Have the texts of a request written."""
        options = asked.stream_options
        form = Form(
            chat=chat,
            logprobs=logprobs,
            explain=asked.explain,
            usage=options is not None and options.include_usage,
            model=model_id(model.recipe),
            labels=model.token_labels,
            continued=asked.max_tokens != 0,
        )
        self._desk.count_request()
        limit = self._limits.answer_seconds
        if asked.stream:
            return WorkingStream(write_stream(self._desk, jobs, form), limit)
        return WorkingJson(write_whole(self._desk, jobs, form), limit)


def _client(asked: Sampling, request: Request) -> str:
    """Who asks, for the turns: who they say they are, or the connection that they ask through."""
    if asked.user:
        return f"user {asked.user[:_LONGEST_NAME]}"
    return f"{request.client.host}:{request.client.port}" if request.client else "?"
