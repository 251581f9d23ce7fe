"""The application: the routes of completions over a queue, and the access checks before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from app import __version__
from app.checkpoints.conversation import Prompt
from app.checkpoints.structure_grammar import check_structure
from app.decoding.types import GRAMMAR, GenerationConfig
from app.engine.events import TokenDecoded
from app.errors import SettingsError, StructureError
from app.server import api_errors
from app.server.access import Access, Limits
from app.server.access_middleware import AccessMiddleware
from app.server.api_errors import ERROR_RESPONSE, ApiError
from app.server.chat_protocol import ChatRequest
from app.server.completion_tokens import CompletionToken, completion_token
from app.server.completions import ResponseFormat, complete, stream_events
from app.server.forced_calls import forced_calls
from app.server.protocol import CompletionRequest, GenerationRequest
from app.server.request_queue import CompletionJob, RequestQueue
from app.server.responses import CancellableJson, CancellableStream
from app.server.served_models import find_model, model_id
from app.server.server_events import ServedModel
from app.server.service_routes import add_service_routes
from app.server.tool_calls import ToolForm, tool_form_of
from app.server.web_pages import WebPageAccess

_MAX_CLIENT_LENGTH = 200
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/event-stream": {}}},
    **dict.fromkeys((400, 401, 403, 404, 408, 413, 415, 422, 429, 502, 503, 504), ERROR_RESPONSE),
}


def make_application(queue: RequestQueue, access: Access, limits: Limits) -> ASGIApp:
    """Build the ASGI application: the API routes over ``queue``, behind the access checks."""
    application = FastAPI(
        title="Tuneshift",
        description="Proxy-tuned models behind the OpenAI API.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
    )
    api_errors.install(application)
    add_service_routes(application, queue)
    _add_routes(application, queue, limits)
    return WebPageAccess(AccessMiddleware(application, access, limits), access)


def _add_routes(application: FastAPI, queue: RequestQueue, limits: Limits) -> None:
    api = _Api(queue, limits)

    @application.post("/v1/completions", responses=_RESPONSES)
    async def completions(body: CompletionRequest, request: Request) -> Response:
        model, top_count = find_model(queue, body.model), body.logprobs or 0
        jobs = [
            api.make_job(model, body, prompt, choice, top_count, request)
            for prompt in body.prompts
            for choice in range(body.n)
        ]
        return api.respond(model, body, jobs, chat=False, logprobs=body.logprobs is not None)

    @application.post("/v1/chat/completions", responses=_RESPONSES)
    async def chat(body: ChatRequest, request: Request) -> Response:
        model, top_count = (
            find_model(queue, body.model),
            (body.top_logprobs or 0) if body.logprobs else 0,
        )
        conversation = body.conversation()
        form = _tool_form(model) if body.offers_tools else None
        calls = _forced_calls(model, body, form) if form and body.forced_tools else None
        jobs = [
            api.make_job(model, body, conversation, choice, top_count, request, calls)
            for choice in range(body.n)
        ]
        return api.respond(
            model, body, jobs, chat=True, logprobs=bool(body.logprobs), tool_form=form
        )


def _tool_form(model: ServedModel) -> ToolForm:
    """The format in which the base calls tools.

    Raises:
        ApiError: Its prompt format has no tools, or in a format that is not known.
    """
    coder = model.loaded.coder
    form = tool_form_of(coder.tool_template) if coder else None
    if form is None:
        raise ApiError(
            400,
            "“tools”: the base has no chat template with tools in a known format",
            param="tools",
            code="unsupported_parameter",
        )
    return form


def _forced_calls(model: ServedModel, body: ChatRequest, form: ToolForm) -> str:
    """The grammar of an answer that has to call tools.

    Raises:
        ApiError: The format of the template cannot be forced, or a schema of arguments be followed.
    """
    coder = model.loaded.coder
    assert coder is not None  # the format is that of its template
    tools = [(tool.name, tool.parameters or {}) for tool in body.forced_tools]
    several = body.parallel_tool_calls and body.tool_choice == "required"
    grammar = forced_calls(form, coder.tool_template, tools, coder.special_id, several=several)
    if grammar is None:
        raise ApiError(
            400,
            "“tool_choice”: calls in the format of the base's chat template cannot be forced",
            param="tool_choice",
            code="unsupported_value",
        )
    try:
        check_structure(GenerationConfig(structure=GRAMMAR, structure_text=grammar))
    except StructureError as error:
        raise ApiError(
            400,
            f"“tools”: the schema of the arguments cannot be followed: {error.evidence}",
            param="tools",
            code="invalid_value",
        ) from error
    return grammar


class _Api:
    """State and helpers that the routes share."""

    def __init__(self, queue: RequestQueue, limits: Limits) -> None:
        self._queue = queue
        self._limits = limits

    def make_job(
        self,
        model: ServedModel,
        body: GenerationRequest,
        prompt: Prompt,
        choice: int,
        top_count: int,
        request: Request,
        calls: str | None = None,
    ) -> CompletionJob:
        """The job for one choice of a request.

        Args:
            model: The served model.
            body: The parsed request body.
            prompt: The prompt.
            choice: Index of the choice.
            top_count: How many of the most probable tokens to keep for each token.
            request: The HTTP request, for the client's address.
            calls: The grammar of an answer that has to call tools.

        Raises:
            ApiError: A sampling setting or the alphas are invalid.
        """

        def make_token(event: TokenDecoded) -> CompletionToken:
            return completion_token(event, top_count, explain=body.explain)

        try:
            config = body.config(model.recipe.sampling, choice)
            if calls is not None:
                config = replace(config, structure=GRAMMAR, structure_text=calls)
        except SettingsError as error:
            raise api_errors.from_engine_error(error) from error
        alphas = body.alphas_for(model.recipe.alphas)
        client, model_epoch = _client(body, request), self._queue.model_epoch
        return CompletionJob(
            client=client,
            prompt=prompt,
            config=config,
            alphas=alphas,
            make_token=make_token,
            model_epoch=model_epoch,
            echo=body.echoes_prompt,
            fresh=not body.cache_prompt,
            keep_rows=top_count > 0,
        )

    def respond(
        self,
        model: ServedModel,
        body: GenerationRequest,
        jobs: Sequence[CompletionJob],
        *,
        chat: bool,
        logprobs: bool,
        tool_form: ToolForm | None = None,
    ) -> Response:
        """The response to a request, as JSON or a stream. Sending it runs ``jobs``."""
        options = body.stream_options
        response_format = ResponseFormat(
            chat=chat,
            logprobs=logprobs,
            explain=body.explain,
            usage=options is not None and options.include_usage,
            model=model_id(model.recipe),
            token_labels=model.token_labels,
            include_generated=body.max_tokens != 0,
            tool_form=tool_form,
        )
        self._queue.count_request()
        max_seconds = self._limits.answer_seconds
        if body.stream:
            return CancellableStream(stream_events(self._queue, jobs, response_format), max_seconds)
        return CancellableJson(complete(self._queue, jobs, response_format), max_seconds)


def _client(body: GenerationRequest, request: Request) -> str:
    """The client's identifier for fair scheduling: the ``user`` parameter or the address."""
    if body.user:
        return f"user {body.user[:_MAX_CLIENT_LENGTH]}"
    return f"{request.client.host}:{request.client.port}" if request.client else "?"
