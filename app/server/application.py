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
from app.checkpoints.spec import Recipe
from app.engine.messages import TokenDecoded
from app.errors import SettingsError
from app.server import errors
from app.server.answers import Form, write_stream, write_whole
from app.server.desk import Desk, Job
from app.server.errors import ApiError, json_response
from app.server.guard import Access, Guard, Limits
from app.server.pieces import Piece, piece_of
from app.server.protocol import ChatRequest, CompletionRequest, Sampling
from app.server.responses import WorkingJson, WorkingStream

ANY_MODEL = "tuneshift"
"""A name that always means the recipe that is served."""
_ERROR = {"description": "An error in the form of the OpenAI API."}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/event-stream": {}}},
    **dict.fromkeys((400, 401, 403, 404, 408, 413, 415, 422, 429, 502, 503, 504), _ERROR),
}


def model_id(recipe: Recipe) -> str:
    """What the recipe is called as a model, such as ``qwen2-5-7b-instructed``."""
    return re.sub(r"[^a-z0-9]+", "-", recipe.name.lower()).strip("-") or ANY_MODEL


def make_application(desk: Desk, recipe: Recipe, access: Access, limits: Limits) -> ASGIApp:
    """The API over the recipe that ``desk`` has loaded, guarded."""
    application = FastAPI(
        title="Tuneshift",
        description="Proxy-tuned models behind the OpenAI API.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
    )
    errors.install(application)
    _add_routes(application, desk, recipe, limits)
    if access.origins:
        application.add_middleware(
            CORSMiddleware,
            allow_origins=list(access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
    return Guard(application, access, limits)


def _add_routes(application: FastAPI, desk: Desk, recipe: Recipe, limits: Limits) -> None:
    api = _Api(desk, recipe, limits)

    @application.get("/v1/models")
    async def models() -> Response:
        return json_response({"object": "list", "data": [api.model()]})

    @application.get("/v1/models/{name:path}", responses={404: _ERROR})
    async def model(name: str) -> Response:
        api.check_model(name)
        return json_response(api.model())

    @application.post("/v1/completions", responses=_RESPONSES)
    async def completions(asked: CompletionRequest, request: Request) -> Response:
        most = asked.logprobs or 0
        jobs = [
            api.job(asked, prompt, choice, most, request)
            for prompt in asked.prompts
            for choice in range(asked.n)
        ]
        return api.answer(asked, jobs, chat=False, logprobs=asked.logprobs is not None)

    @application.post("/v1/chat/completions", responses=_RESPONSES)
    async def chat(asked: ChatRequest, request: Request) -> Response:
        most = (asked.top_logprobs or 0) if asked.logprobs else 0
        conversation = asked.conversation()
        jobs = [api.job(asked, conversation, choice, most, request) for choice in range(asked.n)]
        return api.answer(asked, jobs, chat=True, logprobs=bool(asked.logprobs))


class _Api:
    """What the routes share."""

    def __init__(self, desk: Desk, recipe: Recipe, limits: Limits) -> None:
        self._desk = desk
        self._recipe = recipe
        self._limits = limits
        self._id = model_id(recipe)

    def model(self) -> dict[str, Any]:
        """How the recipe is described as a model."""
        pairs = [{"name": pair.name, "alpha": pair.alpha} for pair in self._recipe.pairs]
        return {
            "id": self._id,
            "object": "model",
            "created": 0,
            "owned_by": "tuneshift",
            "tuneshift": {"name": self._recipe.name, "pairs": pairs},
        }

    def check_model(self, name: str) -> None:
        """Refuse to be another model than what is served."""
        if name not in ("", ANY_MODEL, self._id, self._recipe.name):
            raise ApiError(
                404,
                f"There is no such model; the one that is served is “{self._id}”.",
                param="model",
                code="model_not_found",
            )

    def job(self, asked: Sampling, prompt: Prompt, choice: int, most: int, request: Request) -> Job:
        """One text of a request."""
        self.check_model(asked.model)

        def keep(event: TokenDecoded) -> Piece:
            return piece_of(event, most, explain=asked.explain)

        try:
            config = asked.config(self._recipe.sampling, choice)
        except SettingsError as error:
            raise errors.of_engine(error) from error
        return Job(_client(asked, request), prompt, config, self._alphas(asked), keep)

    def answer(
        self, asked: Sampling, jobs: Sequence[Job], *, chat: bool, logprobs: bool
    ) -> Response:
        """Have the texts of a request written."""
        options = asked.stream_options
        form = Form(
            chat=chat,
            logprobs=logprobs,
            explain=asked.explain,
            usage=options is not None and options.include_usage,
            model=self._id,
            labels=self._desk.token_labels,
        )
        limit = self._limits.answer_seconds
        if asked.stream:
            return WorkingStream(write_stream(self._desk, jobs, form), limit)
        return WorkingJson(write_whole(self._desk, jobs, form), limit)

    def _alphas(self, asked: Sampling) -> tuple[float, ...]:
        return asked.alphas_for(self._recipe.alphas)


def _client(asked: Sampling, request: Request) -> str:
    """Who asks, for the turns: who they say they are, or the connection that they ask through."""
    if asked.user:
        return f"user {asked.user}"
    return f"{request.client.host}:{request.client.port}" if request.client else "?"
