"""A step of an ensemble as one computation: all roles read a block, and what follows is drawn.

The device is given one piece of memory (tokens, positions, alphas, keys of the noise) and gives one
back (raw rows, drawn tokens), so that the host waits for it once in a step. The step is captured as
a CUDA graph; without CUDA the same code runs uncaptured, which is how it is tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from app.decoding.block_sampling import (
    draw_block,
    exponentials_of_all,
    process_block,
    seen_in_block,
)
from app.decoding.capturing import CaptureError, Lanes, Mirror, Run
from app.decoding.combining import Pair, combine_logits, pair_differences
from app.decoding.graphs import GraphedLanguageModel, captured_size
from app.decoding.noise import Ids, key_of, signed
from app.decoding.types import GenerationConfig

_KEPT = 24
"""Steps of different sizes, roles and settings that are kept captured; then all are made anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What is going to be drawn after a block, as far as it is known before the block is read.

    Attributes:
        index: The position of the first draw among the generated tokens.
        config: The settings in force.
        alphas: The weight of each pair, [P]; those of the token before.
        history: The ids before the first draw, [n]; the first token of the block is among them.
    """

    index: int
    config: GenerationConfig
    alphas: tuple[float, ...]
    history: Ids


@dataclass(frozen=True, slots=True)
class Drawn:
    """A token that was drawn together with the rows that it was drawn from.

    Attributes:
        index: Its position among the generated tokens.
        token_id: The token.
        sure: Its probability after the processors.
        alphas: The weights it was drawn with.
    """

    index: int
    token_id: int
    sure: float
    alphas: tuple[float, ...]


def whole_steps(
    models: Sequence[object], pairs: Sequence[Pair], vocabulary_size: int, masked: Tensor | None
) -> WholeSteps | None:
    """The whole steps of an ensemble, where all its models are such that they can be captured."""
    graphed = [model for model in models if isinstance(model, GraphedLanguageModel)]
    together = len(graphed) == len(models) and len({model.device for model in graphed}) == 1
    return WholeSteps(graphed, pairs, vocabulary_size, masked) if together else None


class WholeSteps:
    """The steps of one ensemble, captured as they are needed.

    Args:
        models: What computes each evaluation, on one device.
        pairs: The expert pairs, by place among ``models``.
        vocabulary_size: Columns of the rows.
        masked: Ids that are never drawn, [V] of bool, or None where there are none.

    Attributes:
        not_captured: Why steps are not captured as a whole, or an empty text.
    """

    def __init__(
        self,
        models: Sequence[GraphedLanguageModel],
        pairs: Sequence[Pair],
        vocabulary_size: int,
        masked: Tensor | None,
    ) -> None:
        self._models = tuple(models)
        self._pairs = tuple(pairs)
        self._vocabulary_size = vocabulary_size
        self._masked = None if masked is None else masked.to(models[0].device)
        self._steps: dict[_Kind, _WholeStep] = {}
        self._buffers: list[object] = []
        self.not_captured = ""

    def read(
        self, tokens: Sequence[int], known: Mapping[int, Tensor], ahead: Ahead
    ) -> tuple[Tensor, tuple[Drawn, ...]]:
        """Read a block and draw what follows each of its tokens.

        The KV caches are written; the lengths of the models are left to the caller.

        Args:
            tokens: The block, [k].
            known: Rows, [k, V], of evaluations that have read the block by themselves.
            ahead: What is to be drawn.

        Returns:
            The raw rows of every evaluation, [E, k, V], on the host, and the drawn tokens, [k].

        Raises:
            CaptureError: The step cannot be captured; nothing was read.
        """
        reading = [model for place, model in enumerate(self._models) if place not in known]
        size = captured_size(len(tokens), reading)
        for model in reading:
            model.make_room(model.length + size)
        step = self._step(_Kind.of(size, known, ahead.config))
        step.give(tokens, known, ahead if self._pairs else replace(ahead, alphas=()))
        try:
            return step.run(len(tokens), ahead)
        except CaptureError as reason:
            self.not_captured = str(reason)
            raise

    def forget(self) -> None:
        """Give back what was captured, with its memory."""
        self._steps.clear()
        self._buffers = []

    def _step(self, kind: _Kind) -> _WholeStep:
        buffers = [model.buffers for model in self._models]
        moved = any(a is not b for a, b in zip(buffers, self._buffers, strict=False))
        if moved or (len(self._steps) >= _KEPT and kind not in self._steps):
            self._steps.clear()
        self._buffers = buffers
        if kind not in self._steps:
            self._steps[kind] = _WholeStep(
                kind, self._models, self._pairs, self._vocabulary_size, self._masked
            )
        return self._steps[kind]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What decides how a step is computed.

    Attributes:
        size: Tokens that are read.
        known: The evaluations that do not read them.
        config: The settings, without those that only say where to begin and to end.
    """

    size: int
    known: tuple[int, ...]
    config: GenerationConfig

    @classmethod
    def of(cls, size: int, known: Mapping[int, Tensor], config: GenerationConfig) -> _Kind:
        same = replace(config, seed=0, max_new_tokens=1, stop=())
        return cls(size, tuple(sorted(known)), same)


class _WholeStep:
    """The step of one kind, over memory that stays where it is."""

    def __init__(
        self,
        kind: _Kind,
        models: Sequence[GraphedLanguageModel],
        pairs: tuple[Pair, ...],
        vocabulary_size: int,
        masked: Tensor | None,
    ) -> None:
        self._kind = kind
        self._models = models
        self._pairs = pairs
        self._masked = masked
        self._capture = models[0].capture
        self._run: Run | None = None
        size, evaluations, device = kind.size, len(models), models[0].device
        rows = (size, vocabulary_size)
        given = {
            "tokens": ((size,), torch.int64),
            "positions": ((evaluations, size), torch.int64),
            "alphas": ((len(pairs),), torch.float32),
            "known": ((len(kind.known), *rows), torch.float32),
        }
        if not kind.config.greedy:
            given["keys"] = ((size,), torch.int64)
        if kind.config.repetition_penalty != 1.0:
            given["seen"] = ((vocabulary_size,), torch.bool)
        self._given = Mirror(given, device)
        self._made = Mirror(
            {
                "rows": ((evaluations, *rows), torch.float32),
                "drawn": ((size,), torch.int64),
                "sure": ((size,), torch.float64),
            },
            device,
        )

    def give(self, tokens: Sequence[int], known: Mapping[int, Tensor], ahead: Ahead) -> None:
        """Hand over what the step is for. What fills the block up is read too, and overwritten."""
        given, missing = self._given.here, self._kind.size - len(tokens)
        given["tokens"].copy_(torch.tensor([*tokens, *[tokens[-1]] * missing]))
        starts = torch.tensor([[model.length] for model in self._models])
        given["positions"].copy_(starts + torch.arange(self._kind.size))
        given["alphas"].copy_(torch.tensor(ahead.alphas))
        for place, rows in zip(given["known"], self._kind.known, strict=True):
            place[: len(tokens)].copy_(known[rows])
        if "keys" in given:
            positions = range(ahead.index, ahead.index + len(tokens))
            keys = [signed(key_of(ahead.config.seed, position)) for position in positions]
            given["keys"][: len(tokens)].copy_(torch.tensor(keys))
        if "seen" in given:
            given["seen"].zero_()[torch.from_numpy(ahead.history)] = True
        self._given.send()

    def run(self, count: int, ahead: Ahead) -> tuple[Tensor, tuple[Drawn, ...]]:
        if self._run is None:
            self._run = self._capture(
                self._compute, parts=len(self._models) - len(self._kind.known)
            )
        self._run()
        self._made.fetch()
        self._made.wait()
        made = self._made.here
        drawn = zip(made["drawn"][:count].tolist(), made["sure"][:count].tolist(), strict=True)
        alphas = ahead.alphas if self._pairs else ()
        return made["rows"][:, :count].clone(), tuple(
            Drawn(ahead.index + place, token_id, sure, alphas)
            for place, (token_id, sure) in enumerate(drawn)
        )

    def _compute(self, lanes: Lanes) -> None:
        given, made = self._given.there, self._made.there
        rows = made["rows"]
        for place, known in zip(self._kind.known, given["known"], strict=True):
            rows[place].copy_(known)
        lanes([self._reading(p) for p in range(len(self._models)) if p not in self._kind.known])
        seen = seen_in_block(given["seen"], given["tokens"]) if "seen" in given else None
        combined = rows[0]
        if self._pairs:
            differences = pair_differences(rows, self._pairs, self._masked)
            combined = combine_logits(combined, differences, given["alphas"])
        scores = process_block(combined, seen, self._kind.config)
        keys = given.get("keys")
        noise = None if keys is None else exponentials_of_all(keys, scores.shape[-1])
        drawn, sure = draw_block(scores, noise)
        made["drawn"].copy_(drawn)
        made["sure"].copy_(sure)

    def _reading(self, place: int) -> Run:
        """One evaluation reads the block; its row is written over the base's columns."""

        def read() -> None:
            given, rows = self._given.there, self._made.there["rows"][place]
            logits = self._models[place].read_at(given["tokens"], given["positions"][place])
            columns = min(rows.shape[-1], logits.shape[-1])
            rows[:, :columns].copy_(logits[:, :columns])
            if self._masked is not None:
                rows.masked_fill_(self._masked, float("-inf"))

        return read
