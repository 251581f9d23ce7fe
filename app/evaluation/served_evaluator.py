"""Answering generation requests on a server that tunes, many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from itertools import islice
from threading import Event

from app.checkpoints.endpoints.tuned_server import TunedServer
from app.decoding.detokenizer import Detokenizer
from app.errors import Cancelled, ContextLengthError, EvaluationError
from app.evaluation.batch_generation import AnswerText, GeneratedAnswer, GenerationStart
from app.evaluation.encoding import encode_for_role
from app.evaluation.requests import GenerateRequest, Score, ScoreRequest
from app.evaluation.variants import Variant

_AT_ONCE = 16
_ASK_EVERY = 0.05
"""Seconds between two calls of ``cancelled``."""


class ServedEvaluator:
    """Answers requests as an ``Evaluator`` does, on a server.

    Args:
        server: The server, which batches the requests.
        at_once: Number of requests at once; None for 16.
        cancelled: Called several times a second.
    """

    def __init__(
        self,
        server: TunedServer,
        at_once: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._server = server
        self._at_once = at_once or _AT_ONCE
        self._cancelled = cancelled

    def score(
        self, requests: Sequence[ScoreRequest], variants: Sequence[Variant]
    ) -> Iterator[tuple[int, list[Score]]]:
        """Scoring needs whole rows.

        Raises:
            EvaluationError: Always.
        """
        raise EvaluationError(
            "A given text cannot be scored by a base that is tuned on a server",
            evidence="the server generates text, and no more",
            next_step="Choose tasks that generate, or name a base on this machine.",
        )

    def generate(
        self, requests: Sequence[GenerateRequest], variant: Variant
    ) -> Iterator[tuple[int, GeneratedAnswer]]:
        """Generate an answer to each request; yields the index of a request with its answer.

        A prompt is encoded shortly before it is sent. Answers that are finished when one fails, or
        when the evaluation is cancelled, are yielded before it is raised.

        Raises:
            PromptError: A prompt is empty or does not fit into the context.
            EndpointError: The server cannot be reached, or refuses a request.
            Cancelled: ``cancelled`` returned True.
        """
        ended = Event()
        pool = ThreadPoolExecutor(self._at_once, "served evaluation")
        waiting = iter(enumerate(requests))
        places: dict[Future[GeneratedAnswer], int] = {}
        failure: Exception | None = None
        try:
            while failure is None:
                try:
                    # Twice as many, so that the server has work while answers are judged here.
                    for place, request in islice(waiting, 2 * self._at_once - len(places)):
                        start = self._start(request)
                        places[pool.submit(self._answer, start, variant, ended.is_set)] = place
                    if not places:
                        return
                    done, _ = wait(places, _ASK_EVERY, FIRST_COMPLETED)
                    if self._cancelled():
                        raise Cancelled
                    failure = next(filter(None, map(_failure, done)), None)
                except Exception as error:
                    failure, done = error, set()
                if failure is not None:
                    ended.set()  # the threads close their requests, so that the server stops too
                    pool.shutdown(cancel_futures=True)
                    done = {each for each in places if not each.cancelled() and not _failure(each)}
                yield from [(places.pop(each), each.result()) for each in done]
            raise failure
        finally:
            ended.set()
            pool.shutdown(cancel_futures=True)

    def _start(self, request: GenerateRequest) -> GenerationStart:
        """The ids of a prompt for the base, without its beginning if it is too long."""
        base, most = self._server.base, request.config.max_new_tokens
        ids = encode_for_role(base.tokenizer, base.spec, request.prompt)
        context = self._server.context
        if context is None or len(ids) + most <= context:
            return GenerationStart((ids,), request.config)
        if most >= context:
            raise ContextLengthError(
                "The number of new tokens leaves no room for a prompt in the server's context",
                evidence=f"{most:,} new tokens, the context is {context:,}",
                next_step="Lower the number of new tokens.",
            )
        return GenerationStart((ids[len(ids) + most - context :],), request.config, truncated=True)

    def _answer(
        self, start: GenerationStart, variant: Variant, ended: Callable[[], bool]
    ) -> GeneratedAnswer:
        """Generate one answer; its request is closed where the answer ends."""
        (prompt,) = start.prompts
        backend = self._server.base.tokenizer.backend_tokenizer
        text = AnswerText(0, start, Detokenizer(backend, prompt), self._server.end_ids)
        alphas = variant.alphas or (0.0,) * len(self._server.recipe.pairs)
        told = variant.kind != "base"
        tokens = self._server.generate(
            prompt, replace(start.config, stop=()), alphas, ended, contributions=told
        )
        with closing(tokens):
            for token in tokens:
                record = token.record
                known = (record["p_base"], record["p_tuned"]) if record else None
                text.push(token.token_id, known)
                if text.ended:
                    break
        return text.answer


def _failure(done: Future[GeneratedAnswer]) -> Exception | None:
    """Why an answer failed.

    Raises:
        BaseException: Something that is no error of the program ended it.
    """
    error = done.exception()
    if error is None or isinstance(error, Exception):
        return error
    raise error
