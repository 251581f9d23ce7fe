"""Runs on a server that tunes its base itself, with the events of runs on this machine."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.attribution.step_attribution import attribute_reduced
from app.checkpoints.endpoint_address import address_of
from app.checkpoints.endpoints.tuned_server import ServedToken, TunedServer, connect_tuned
from app.checkpoints.opening import OpenedRecipe
from app.checkpoints.plain_conversation import next_turns
from app.checkpoints.prompts import encode_prompt
from app.checkpoints.spec import Recipe
from app.checkpoints.status import RoleInForce
from app.checkpoints.text_coder import TextCoder
from app.checkpoints.vocabulary.compare import token_labels
from app.decoding.alpha_policy import parse_policy
from app.decoding.capture_stats import NO_CAPTURES
from app.decoding.detokenizer import Detokenizer, TextBuffer, with_text
from app.decoding.types import (
    FinishReason,
    GenerationConfig,
    ReducedRows,
    RoleLogits,
    TokenStep,
    check_alphas,
)
from app.engine.commands import Generate, Load
from app.engine.events import Event, Loaded, RunFinished, RunStarted, TokenDecoded
from app.engine.run_clock import RunClock
from app.errors import ContextLengthError, SettingsError


@dataclass(frozen=True, slots=True, eq=False)
class ServedRecipe:
    """A recipe whose models are on a server that tunes; here are its tokenizers alone."""

    server: TunedServer

    @property
    def opened(self) -> OpenedRecipe:
        return self.server.opened

    @property
    def recipe(self) -> Recipe:
        return self.opened.recipe

    def loaded(self, command: Load) -> Loaded:
        """The event that the recipe can be used."""
        base, spec = self.opened.roles[0], self.recipe.base
        host = address_of(spec.source).host
        size = base.config.get_text_config().vocab_size
        return Loaded(
            id=command.id,
            recipe=self.recipe,
            roles=tuple(
                RoleInForce(
                    role=role.name,
                    source=role.spec.source,
                    dtype="",
                    device=host,
                    parameters=0,
                    shared=False,
                    over=role.spec.over,
                    engine="",
                    model=self.server.model if role.spec.is_endpoint else "",
                )
                for role in self.opened.roles
            ),
            token_labels=tuple(token_labels(base.tokenizer.backend_tokenizer, range(size))),
            packed_bytes=0,
            context_length=self.server.context,
            coder=TextCoder(base.tokenizer, spec),
        )

    def events(self, command: Generate) -> Iterator[Event]:
        """Yield the events of a run.

        Raises:
            TuneshiftError: The run cannot be had on a server, or the server fails.
        """
        _check_possible(command)
        check_alphas(command.alphas.latest, len(self.recipe.pairs))
        cancelled = command.cancellation.requested
        prompts = [
            encode_prompt(role.tokenizer, role.spec, command.prompt, cancelled)
            for role in self.opened.roles
        ]
        yield RunStarted(command.id, tuple(map(len, prompts)))
        clock = RunClock()
        steps = self._steps(command, prompts[0])
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                reason: FinishReason = end.value
                break
            assert step.reduced is not None
            explained = attribute_reduced(step.reduced, step.alphas)
            yield TokenDecoded(command.id, step, explained)
            clock.tick()
        yield RunFinished(command.id, reason, clock.stats(None, None, NO_CAPTURES, 0))

    def _steps(
        self, command: Generate, prompt: Sequence[int]
    ) -> Generator[TokenStep, None, FinishReason]:
        """Yield the tokens with their text, as ``decode`` does."""
        tokenizer = self.opened.roles[0].tokenizer
        config = command.config
        if not command.past_turn:
            turns = next_turns(self.recipe, command.prompt)
            config = replace(config, stop=(*config.stop, *turns))
        text = TextBuffer(Detokenizer(tokenizer.backend_tokenizer, prompt), config.stop)
        text.skip(command.kept)
        limit = self._limit(command, len(prompt))

        def steps() -> Iterator[TokenStep | None]:
            ids = list(command.kept)
            for token in self._tokens(command, prompt, ids, limit):
                if token.ends or token.token_id in self.server.end_ids:
                    yield None
                else:
                    step = _step(token, len(ids), config)
                    ids.append(step.token_id)
                    yield step

        reason = yield from with_text(steps(), text)
        if reason is FinishReason.LENGTH and limit < config.max_new_tokens:
            return FinishReason.CONTEXT
        return reason

    def _limit(self, command: Generate, prompt: int) -> int:
        """The most tokens of the run, those that were kept included."""
        most, context = command.config.max_new_tokens, self.server.context
        if context is None:
            return most
        if prompt + len(command.kept) >= context:
            raise ContextLengthError(
                "The text fills the context of the server",
                evidence=f"{prompt + len(command.kept):,} tokens, the context is {context:,}",
                next_step="Shorten it.",
            )
        return min(most, context - prompt)

    def _tokens(
        self, command: Generate, prompt: Sequence[int], ids: list[int], limit: int
    ) -> Iterator[ServedToken]:
        """Yield tokens until the run has ``limit``; a change of α is sent with a new request."""
        config, asked = command.config, 0
        cancelled = command.cancellation.requested
        ended = False
        while len(ids) < limit and not ended:
            alphas = command.alphas.get()
            seed = config.seed + asked  # a request that goes on must not repeat its noise
            left = replace(config, max_new_tokens=limit - len(ids), seed=seed)
            ended = True
            for token in self.server.generate([*prompt, *ids], left, alphas, cancelled):
                yield token
                asked += 1
                if command.alphas.get() != alphas:
                    ended = False
                    break


def connect_served(opened: OpenedRecipe, command: Load) -> ServedRecipe:
    """Connect with the server of a recipe.

    Raises:
        EndpointError: It cannot be used.
        Cancelled: The command was cancelled.
    """
    return ServedRecipe(connect_tuned(opened, command.cancellation.requested))


def _check_possible(command: Generate) -> None:
    """Check that a run needs nothing that a server does not give.

    Raises:
        SettingsError: It does.
    """
    refused = {
        "One role alone": command.role is not None,
        "Scoring a given text": bool(command.text or command.echo),
        "Choosing another token": bool(command.forced),
        "A policy of α": not parse_policy(command.config.alpha_policy).is_constant,
    }
    for what, wanted in refused.items():
        if wanted:
            raise SettingsError(
                f"{what} cannot be had with a base that is tuned on a server",
                evidence="the server generates text with an α of each pair, and no more",
                next_step="Load the models on this machine for it.",
            )


def _step(token: ServedToken, index: int, config: GenerationConfig) -> TokenStep:
    record = token.record
    assert record is not None
    return TokenStep(
        index=index,
        token_id=token.token_id,
        text="",
        start=0,
        alphas=tuple(record["alphas"]),
        logits=None,
        # The server's number of a greedy token is without a temperature.
        sampled_probability=1.0 if config.greedy else math.exp(token.logprob),
        reduced=_reduced(record),
    )


def _reduced(record: dict[str, Any]) -> ReducedRows:
    """The statistics of the rows that a record was made of, with its token first."""
    rows, alphas = record["candidates"], record["alphas"]
    ids = np.array(rows["token_ids"], np.int32)
    order = np.argsort(ids != record["token_id"], kind="stable")
    base = _row(rows["base"])[order]
    experts = tuple(_row(row)[order] for row in rows["experts"])
    antiexperts = tuple(_row(row)[order] for row in rows["antiexperts"])
    added = (a * (e - n) for a, e, n in zip(alphas, experts, antiexperts, strict=True))
    return ReducedRows(
        token_ids=ids[order],
        logits=RoleLogits(base, experts, antiexperts),
        tuned=np.asarray(sum(added, base), np.float32),
        rank_base=np.array(rows["rank_base"], np.int32)[order],
        rank_tuned=np.array(rows["rank_tuned"], np.int32)[order],
        argmax_base=record["argmax_base"],
        argmax_tuned=record["argmax_tuned"],
        log_normalizers=np.array(rows["log_normalizers"]),
        subset_log_normalizers=np.array(rows["coalition_log_normalizers"]),
        entropy_base=record["entropy_base"],
        entropy_tuned=record["entropy_tuned"],
        kl=record["kl"],
    )


def _row(values: Sequence[float | None]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array([-np.inf if value is None else value for value in values], np.float32)
