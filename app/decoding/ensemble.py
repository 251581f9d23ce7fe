"""A base and its expert pairs: the two verbs of a language model for all roles at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from app.decoding.capturing import CaptureError
from app.decoding.combining import Pair, combine_logits, pair_differences
from app.decoding.fused_step import FusedSteps, SampledToken, SamplingInputs, make_fused_steps
from app.decoding.graphs import LONGEST, GraphedLanguageModel
from app.decoding.language_model import LanguageModel
from app.decoding.remote import RemoteModel
from app.decoding.types import RoleLogits
from app.errors import Cancelled, ContextLengthError, ModelError, PromptError

PREFILL_CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleLogits:
    """Raw logits of every context at the last positions.

    Attributes:
        rows: [E, last, V], float32; −inf at masked ids.
        pairs: Which rows make an expert pair.
        masked: Ids that not every role has, [V] of bool, or None where there are none.
        sampled: What was sampled from each position as it was read, or nothing.
    """

    rows: Tensor
    pairs: tuple[Pair, ...]
    masked: Tensor | None = None
    sampled: tuple[SampledToken, ...] = ()

    def combined(self, position: int | slice, alphas: Sequence[float]) -> Tensor:
        """The tuned logits at some of the positions, [..., V]; without pairs, the base's own."""
        base = self.rows[0, position]
        if not self.pairs:
            return base
        weights = torch.tensor(alphas, dtype=torch.float32)
        return combine_logits(base, self.differences(position), weights)

    def differences(self, position: int | slice) -> Tensor:
        """Expert minus anti-expert of each pair at some of the positions, [P, ..., V]."""
        return pair_differences(self.rows[:, position], self.pairs, self.masked)

    def on_host(self, position: int) -> RoleLogits:
        """The rows of one position as arrays, in one copy from the device."""
        # NumPy's own memory, since rows are kept: torch aligns its blocks, and the holes that such
        # blocks leave in the heap are too small for the next one.
        rows = list(self.rows[:, position].cpu().numpy().copy())  # an array a row: roles share it
        return RoleLogits(
            base=rows[0],
            experts=tuple(rows[pair.expert] for pair in self.pairs),
            antiexperts=tuple(rows[pair.antiexpert] for pair in self.pairs),
        )


class ModelContext:
    """A language model, what to call it, and the ids that its KV cache holds."""

    def __init__(self, model: LanguageModel, name: str) -> None:
        self.model = model
        self.name = name
        self.remote = model if isinstance(model, RemoteModel) else None
        self._cached_ids: list[int] = []

    def begin(self, tokens: Sequence[int], last: int) -> None:
        """Where the model is elsewhere, let it begin with what :meth:`extend` will ask for."""
        if self.remote is not None:
            self.remote.begin(tokens, last)

    def extend(self, tokens: Sequence[int], last: int) -> Tensor:
        try:
            logits = self.model.extend(torch.tensor(tokens, dtype=torch.int64), last)
        except BaseException:
            self.rewind(0)  # some layers may have read the tokens and others not
            raise
        self._cached_ids += tokens
        return logits

    def mark_read(self, tokens: Sequence[int]) -> None:
        """The model has read ``tokens`` as part of a fused step."""
        self.model.length += len(tokens)
        self._cached_ids += tokens

    def rewind(self, length: int) -> None:
        del self._cached_ids[length:]
        self.model.rewind(length)

    def read(self, tokens: Sequence[int], cancelled: Callable[[], bool]) -> Tensor:
        """Extend by a long text; here in chunks, elsewhere at once. The last row, [1, V]."""
        chunk = PREFILL_CHUNK if self.remote is None else len(tokens)
        for start in range(0, len(tokens), chunk):
            if cancelled():
                raise Cancelled
            logits = self.extend(tokens[start : start + chunk], 1)
        return logits

    def rewind_to_common_prefix(self, tokens: Sequence[int]) -> int:
        """Keep of what is held the beginning of ``tokens``, all but the last; its length."""
        longest = min(len(self._cached_ids), len(tokens) - 1)
        pairs = zip(self._cached_ids[:longest], tokens, strict=False)
        common = next((at for at, (held, token) in enumerate(pairs) if held != token), longest)
        try:
            self.rewind(common)
        except ModelError:  # it keeps a state that cannot go back: read everything again
            common = 0
            self.rewind(0)
        return common


class Ensemble:
    """All roles of a recipe over one vocabulary.

    Roles with the same checkpoint and the same prompt are one *context*. Each context has its
    own prompt and so its own offset; the generated tokens are the same for all.

    Args:
        models: The distinct models; the base is the first.
        names: A name for each context, for error messages.
        pairs: The expert pairs, by place among ``models``.
        usable: Ids that every role has, [V] of bool over the base's columns, or None for all.
    """

    def __init__(
        self,
        models: Sequence[LanguageModel],
        names: Sequence[str],
        pairs: Sequence[Pair],
        usable: Tensor | None = None,
    ) -> None:
        self._contexts = tuple(map(ModelContext, models, names))
        self.pairs = tuple(pairs)
        self.vocabulary_size = models[0].vocabulary_size
        self._masked = None if usable is None or bool(usable.all()) else ~usable
        self._masked_on: dict[torch.device, Tensor] = {}
        self._offsets = (0,) * len(self._contexts)
        self._fused = make_fused_steps(models, self.pairs, self.vocabulary_size, self._masked)
        self._fused_alone: dict[int, FusedSteps | None] = {}

    def only(self, place: int) -> Ensemble:
        """One context by itself, as the base of an ensemble without pairs, with the same ids.

        It shares the KV cache: whichever of the two reads last decides what is held.
        """
        alone = copy(self)
        alone._contexts = (self._contexts[place],)
        alone.pairs = ()
        alone._offsets = (0,)
        if place not in self._fused_alone:
            self._fused_alone[place] = make_fused_steps(
                alone.models, (), self.vocabulary_size, self._masked
            )
        alone._fused, alone._fused_alone = self._fused_alone[place], {}
        return alone

    @property
    def not_captured(self) -> str:
        """Why steps are not captured as a fused, or an empty text."""
        if self._fused is None:
            named = zip(self.names, self.models, strict=True)
            others = [name for name, model in named if not isinstance(model, GraphedLanguageModel)]
            if others:
                return f"the {others[0]} computes its steps otherwise"
            return "the models are on several devices"
        return self._fused.not_captured

    @property
    def models(self) -> tuple[LanguageModel, ...]:
        """What computes each context."""
        return tuple(context.model for context in self._contexts)

    @property
    def remote(self) -> RemoteModel | None:
        """What computes elsewhere, if anything does; only a base can."""
        return self._contexts[0].remote

    @property
    def names(self) -> tuple[str, ...]:
        """What each context is called."""
        return tuple(context.name for context in self._contexts)

    @property
    def unrewindable(self) -> str:
        """A context whose model cannot rewind, or an empty name; certain after a prefill."""
        names = (item.name for item in self._contexts if not item.model.can_rewind)
        return next(names, "")

    @property
    def length(self) -> int:
        """Generated tokens held, after the prompts."""
        return self._contexts[0].model.length - self._offsets[0]

    @property
    def remaining_context(self) -> int | None:
        """How many more tokens every role can read, or None where no role names a limit."""
        models = [context.model for context in self._contexts]
        rooms = [
            model.context_length - model.length
            for model in models
            if model.context_length is not None
        ]
        return min(rooms, default=None)

    def prefill(
        self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool] = lambda: False
    ) -> EnsembleLogits:
        """Forget everything and read the prompts, in chunks.

        Args:
            prompts: The token ids of each context's prompt.
            cancelled: Asked before every chunk.

        Returns:
            Logits for the first token to generate.

        Raises:
            PromptError: When a prompt is empty or leaves no context to generate.
            Cancelled: When ``cancelled`` says so.
        """
        self.clear_caches()
        return self.resume(prompts, (), cancelled)

    def resume(
        self,
        prompts: Sequence[Sequence[int]],
        text: Sequence[int],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> EnsembleLogits:
        """Stand behind the prompts and ``text``, reading only what the KV caches do not hold.

        Logits agree with those of :meth:`prefill` up to rounding: the blocks are others.

        Args:
            prompts: The token ids of each context's prompt.
            text: The ids that follow every prompt.
            cancelled: Asked before every chunk.

        Returns:
            Logits for the token after ``text``.

        Raises:
            PromptError: When a prompt is empty or leaves no context to generate.
            Cancelled: When ``cancelled`` says so.
        """
        self._check_prompts(prompts, len(text))
        missing = []
        for context, prompt in zip(self._contexts, prompts, strict=True):
            wanted = [*prompt, *text]
            missing.append(wanted[context.rewind_to_common_prefix(wanted) :])
            context.begin(missing[-1], 1)
        rows = self._in_turn(lambda place, it: it.read(missing[place], cancelled))
        self._offsets = tuple(len(prompt) for prompt in prompts)
        return self.gather(rows)

    def extend(
        self,
        tokens: Sequence[int],
        last: int = 1,
        precomputed: Mapping[int, Tensor] | None = None,
        sampling: SamplingInputs | None = None,
    ) -> EnsembleLogits:
        """Read ``tokens`` in every role and return logits of the last positions.

        Args:
            tokens: What to read, [k].
            last: For how many of the last positions to return logits.
            precomputed: Rows, [last, V], of models that have read the tokens by themselves, by
                their place; they are not asked again.
            sampling: What will be sampled after each of the tokens, where all of their logits are
                asked for; where steps are captured as a fused, it is sampled at once.
        """
        precomputed = precomputed or {}
        if self._fused and sampling and last == len(tokens) <= LONGEST and not self.not_captured:
            try:
                return self._extend_fused(tokens, precomputed, sampling)
            except CaptureError:
                pass  # as it is, then
        for place, context in enumerate(self._contexts):
            if place not in precomputed:
                context.begin(tokens, last)
        rows = self._in_turn(
            lambda place, it: (
                precomputed[place] if place in precomputed else it.extend(tokens, last)
            )
        )
        return self.gather(rows)

    def clear_caches(self) -> None:
        """Forget everything that was read, and give its memory back."""
        for context in self._contexts:
            context.rewind(0)

    def release_buffers(self) -> None:
        """Give back all memory but that of the weights, as when there is too little."""
        self.clear_caches()
        for fused in (self._fused, *self._fused_alone.values()):
            if fused is not None:
                fused.clear()

    def rewind(self, length: int) -> None:
        """Forget the generated tokens after the first ``length``."""
        for context, offset in zip(self._contexts, self._offsets, strict=True):
            context.rewind(offset + length)

    def _extend_fused(
        self, tokens: Sequence[int], precomputed: Mapping[int, Tensor], sampling: SamplingInputs
    ) -> EnsembleLogits:
        assert self._fused is not None
        reading = [it for place, it in enumerate(self._contexts) if place not in precomputed]
        try:
            rows, sampled = self._fused.read(tokens, precomputed, sampling)
        except CaptureError:
            raise
        except BaseException:
            for context in reading:
                context.rewind(0)
            raise
        for context in reading:
            context.mark_read(tokens)
        self._check_finite(rows)
        return EnsembleLogits(rows, self.pairs, self._masked_at(rows.device), sampled)

    def _in_turn(self, work: Callable[[int, ModelContext], Tensor]) -> list[Tensor]:
        """What each context computes; those elsewhere are waited for after the others."""
        rows: dict[int, Tensor] = {}
        for place, context in sorted(
            enumerate(self._contexts), key=lambda item: item[1].remote is not None
        ):
            rows[place] = work(place, context)
        return [rows[place] for place in range(len(self._contexts))]

    def _check_prompts(self, prompts: Sequence[Sequence[int]], following: int) -> None:
        for context, prompt in zip(self._contexts, prompts, strict=True):
            if not prompt:
                raise PromptError("The prompt is empty", next_step="Type some text to continue.")
            limit = context.model.context_length
            if limit is not None and len(prompt) + following >= limit:
                what = "prompt and the text after it are" if following else "prompt is"
                raise ContextLengthError(
                    f"The {what} longer than the context of the {context.name}",
                    evidence=f"{len(prompt) + following:,} tokens, the context is {limit:,}",
                    next_step="Shorten the prompt or choose a model with a longer context.",
                )

    def gather(self, rows: Sequence[Tensor]) -> EnsembleLogits:
        """Join what each context computed, [n, V] of its own columns, over the base's columns.

        Raises:
            ModelError: When a model computed logits that are not numbers.
        """
        device = rows[0].device
        stacked = torch.stack([self._align(logits.to(device)) for logits in rows])
        self._check_finite(stacked)
        masked = self._masked_at(device)
        if masked is not None:
            stacked.masked_fill_(masked, float("-inf"))
        return EnsembleLogits(stacked, self.pairs, masked)

    def _masked_at(self, device: torch.device) -> Tensor | None:
        if self._masked is None:
            return None
        if device not in self._masked_on:
            self._masked_on[device] = self._masked.to(device)
        return self._masked_on[device]

    def _check_finite(self, rows: Tensor) -> None:
        highest = rows.amax(dim=(1, 2))  # NaN where any logit is NaN
        if not bool(torch.isfinite(highest).all()):
            worst = int(torch.isfinite(highest).logical_not().nonzero()[0])
            raise ModelError(
                f"The {self._contexts[worst].name} computed logits that are not numbers",
                evidence=f"the largest logit is {float(highest[worst])}",
                next_step="Try float32, or check that the checkpoint is intact.",
            )

    def _align(self, logits: Tensor) -> Tensor:
        """Cut or pad the columns to the base's; ids that are not shared are masked afterwards."""
        missing = self.vocabulary_size - logits.shape[-1]
        return torch.nn.functional.pad(logits, (0, missing)) if missing else logits
