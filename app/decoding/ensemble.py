"""A base and its expert pairs as one model with the operations of a language model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from app.decoding.capture_stats import CaptureStats
from app.decoding.capturing import CaptureError
from app.decoding.combining import Pair, combine_logits, pair_differences
from app.decoding.fused_step import FusedSteps, capture_stats_of, make_fused_steps
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.language_model import LanguageModel
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.memory_pages import copy_apart
from app.decoding.model_context import ModelContext
from app.decoding.prefix_cache import PrefixCache
from app.decoding.remote import RemoteModel
from app.decoding.sampling_inputs import SampledToken, SamplingInputs
from app.decoding.step_sizes import LONGEST
from app.decoding.types import RoleLogits
from app.errors import ContextLengthError, ModelError, PromptError


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleLogits:
    """Raw logits of every model context at the last positions that were read.

    Attributes:
        rows: [C, last, V], float32, for C model contexts; −inf at masked ids.
        pairs: The expert pairs, by index into ``rows``.
        masked: Ids that not every role has, [V] of bool, or None if there are none.
        sampled: The token sampled on the device after each position; empty if none was.
        skipped: Whether the pairs were not read: all rows are the base's.
    """

    rows: Tensor
    pairs: tuple[Pair, ...]
    masked: Tensor | None = None
    sampled: tuple[SampledToken, ...] = ()
    skipped: bool = False

    def combined(self, position: int | slice, alphas: Sequence[float]) -> Tensor:
        """The tuned logits at some of the positions, [..., V]; without pairs, the base's own."""
        base = self.rows[0, position]
        if not self.pairs:
            return base
        factors = torch.tensor(alphas, dtype=torch.float32)
        return combine_logits(base, self.differences(position), factors)

    def differences(self, position: int | slice) -> Tensor:
        """Expert minus anti-expert of each pair at some of the positions, [P, ..., V]."""
        return pair_differences(self.rows[:, position], self.pairs, self.masked)

    def on_host(self, position: int, *, copied: bool = True) -> RoleLogits:
        """The rows of one position as NumPy arrays, copied from the device at once.

        Args:
            position: The position.
            copied: Whether the arrays will be kept; otherwise they may be views of these rows.
        """
        stacked = self.rows[: 1 if self.skipped else None, position].cpu().numpy()
        if copied:
            stacked = copy_apart(stacked)
        rows = list(stacked) * (len(self.rows) if self.skipped else 1)  # roles share an array
        return RoleLogits(
            base=rows[0],
            experts=tuple(rows[pair.expert] for pair in self.pairs),
            antiexperts=tuple(rows[pair.antiexpert] for pair in self.pairs),
        )


class Ensemble:
    """All roles of a recipe over the base's vocabulary.

    Roles with the same checkpoint and the same prompt share one model context. Each context has its
    own prompt, and so its own offset in the KV cache; the generated tokens are the same for all.

    Args:
        models: The model of each context; the base is the first.
        names: A name for each context, for messages.
        pairs: The expert pairs, by index into ``models``.
        usable: Ids that every role has, [V] of bool over the base's columns, or None for all.

    Attributes:
        prefixes: Texts that were read before; it keeps nothing until it has a bound.
        offsets: The length of each context's prompt, after which the text begins.
        reused: How many tokens of the last prompt and the text after it each context had read.
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
        self.vocabulary_size = models[0].vocabulary_size if usable is None else len(usable)
        self._masked = None if usable is None or bool(usable.all()) else ~usable
        self._masked_on: dict[torch.device, Tensor] = {}
        self.offsets = (0,) * len(self._contexts)
        self.prefixes = PrefixCache()
        self.reused = (0,) * len(self._contexts)
        self._fused = make_fused_steps(models, self.pairs, self.vocabulary_size, self._masked)
        self._fused_alone: dict[int, FusedSteps | None] = {}

    def only(self, place: int) -> Ensemble:
        """One context as the base of an ensemble without pairs, with which it shares a KV cache."""
        alone = copy(self)
        alone._contexts = (self._contexts[place],)
        alone.pairs = ()
        alone.offsets = alone.reused = (0,)
        if place not in self._fused_alone:
            self._fused_alone[place] = make_fused_steps(
                alone.models, (), self.vocabulary_size, self._masked
            )
        alone._fused, alone._fused_alone = self._fused_alone[place], {}
        return alone

    @property
    def not_captured(self) -> str:
        """Why steps are not captured as a fused step; empty if they are or may be."""
        if self._fused is None:
            named = zip(self.names, self.models, strict=True)
            others = [name for name, model in named if not isinstance(model, GraphedLanguageModel)]
            if others:
                return f"the {others[0]} computes its steps otherwise"
            return "the models are on several devices"
        return self._fused.not_captured

    @property
    def capture_stats(self) -> CaptureStats:
        """Counts and costs of all captures so far."""
        return capture_stats_of((self._fused, *self._fused_alone.values(), *self.models))

    @property
    def contexts(self) -> tuple[ModelContext, ...]:
        """The model contexts."""
        return self._contexts

    @property
    def models(self) -> tuple[LanguageModel, ...]:
        """The model of each context."""
        return tuple(context.model for context in self._contexts)

    @property
    def remote(self) -> RemoteModel | None:
        """The remote model, or None; only a base can be remote."""
        return self._contexts[0].remote

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each context."""
        return tuple(context.name for context in self._contexts)

    @property
    def unrewindable(self) -> str:
        """The name of a context whose model cannot rewind, or empty; reliable after a prefill."""
        names = (item.name for item in self._contexts if not item.model.can_rewind)
        return next(names, "")

    @property
    def length(self) -> int:
        """Number of tokens in the KV caches after the prompts."""
        return self._contexts[0].model.length - self.offsets[0]

    @property
    def remaining_context(self) -> int | None:
        """How many more tokens all roles can read, or None if none of them has a limit."""
        limits = ((model.context_length, model.length) for model in self.models)
        return min((limit - read for limit, read in limits if limit is not None), default=None)

    def prefill(
        self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool] = lambda: False
    ) -> EnsembleLogits:
        """Read the prompts in chunks, and reuse nothing that was read before.

        Args:
            prompts: The token ids of each model context's prompt.
            cancelled: Asked before every chunk.

        Returns:
            Logits for the first token to generate.

        Raises:
            PromptError: When a prompt is empty or leaves no context to generate.
            Cancelled: When ``cancelled`` says so.
        """
        return self.resume(prompts, (), cancelled, fresh=True)

    def resume(
        self,
        prompts: Sequence[Sequence[int]],
        text: Sequence[int],
        cancelled: Callable[[], bool] = lambda: False,
        *,
        fresh: bool = False,
    ) -> EnsembleLogits:
        """Read the prompts and ``text``, reusing what was read before as far as it agrees.

        Logits agree with those of :meth:`prefill` up to rounding, since blocks differ.

        Args:
            prompts: The token ids of each model context's prompt.
            text: The ids that follow every prompt.
            cancelled: Asked before every chunk. What was read until then is reused.
            fresh: Reuse nothing, so that the blocks are the same every time.

        Returns:
            Logits for the token after ``text``.

        Raises:
            PromptError: When a prompt is empty or leaves no context to generate.
            Cancelled: When ``cancelled`` says so.
        """
        self.check_prompts(prompts, len(text))
        missing, reused = [], []
        for context, prompt in zip(self._contexts, prompts, strict=True):
            wanted = [*prompt, *text]
            if fresh:
                context.put_away(self.prefixes)
            reused.append(0 if fresh else context.reuse(wanted, self.prefixes))
            missing.append(wanted[reused[-1] :])
            context.begin(missing[-1], 1)
        self.reused = tuple(reused)
        rows = self._in_turn(
            lambda place, it: it.read_in_chunks(missing[place], cancelled, self.prefixes)
        )
        self.offsets = tuple(len(prompt) for prompt in prompts)
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
            tokens: Token ids to read, [k].
            last: Number of last positions to return logits for.
            precomputed: Rows, [last, V], of contexts that have read the tokens already, by index;
                these contexts do not read them again.
            sampling: Inputs for sampling after each token, when logits of all positions are
                returned; used if the ensemble has fused steps, and ignored otherwise.
        """
        precomputed = precomputed or {}
        if self._fused and sampling and last == len(tokens) <= LONGEST and not self.not_captured:
            try:
                return self._extend_fused(tokens, precomputed, sampling)
            except CaptureError:
                pass  # fall back to one forward pass for each context
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
        """Empty all KV caches and release their memory."""
        for context in self._contexts:
            context.rewind(0)

    def buffer_bytes(self) -> dict[str, int]:
        """Bytes of kept texts and of KV caches that are held between runs, on each device."""
        held = Counter(self.prefixes.size_on())
        for model in self.models:
            if isinstance(model, GraphedLanguageModel):
                held[str(model.device)] += model.buffer_bytes
            elif isinstance(model, LlamaCppLanguageModel):
                held[model.weights.device] += model.buffer_bytes
        return dict(held)

    def release_buffers(self) -> None:
        """Release everything but the weights: KV caches, kept texts and captured steps."""
        self.clear_caches()
        self.prefixes.clear()
        for each in (self._fused, *self._fused_alone.values(), *self.models):
            if isinstance(each, FusedSteps | GraphedLanguageModel | LlamaCppLanguageModel):
                each.release()

    def rewind(self, length: int) -> None:
        """Shorten the KV caches to the prompts and the first ``length`` tokens after them."""
        for context, offset in zip(self._contexts, self.offsets, strict=True):
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
        """Results of ``work`` for each context; a remote context is waited for last."""
        rows: dict[int, Tensor] = {}
        for place, context in sorted(
            enumerate(self._contexts), key=lambda item: item[1].remote is not None
        ):
            rows[place] = work(place, context)
        return [rows[place] for place in range(len(self._contexts))]

    def check_prompts(self, prompts: Sequence[Sequence[int]], following: int = 0) -> None:
        """Check that no prompt is empty, and that one token fits after it and what follows it.

        Raises:
            PromptError: A prompt is empty or leaves no context to generate.
        """
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
        """Stack the rows of all contexts and check them; see :meth:`stack`.

        Raises:
            ModelError: When a model computed logits that are not numbers.
        """
        logits = self.stack(rows)
        self._check_finite(logits.rows)
        return logits

    def stack(self, rows: Sequence[Tensor]) -> EnsembleLogits:
        """Stack the rows of all contexts, [n, own V] each, over the base's columns; mask ids."""
        device = rows[0].device
        stacked = torch.stack([self._align(logits.to(device)) for logits in rows])
        masked = self._masked_at(device)
        if masked is not None:
            stacked.masked_fill_(masked, float("-inf"))
        return EnsembleLogits(stacked, self.pairs, masked)

    def unusable(self, logits: EnsembleLogits) -> dict[int, ModelError]:
        """The positions at which a model computed logits that are not numbers, with the errors."""
        highest = logits.rows.amax(dim=2)  # NaN where any logit is NaN
        finite = torch.isfinite(highest)
        if bool(finite.all()):
            return {}
        found: dict[int, ModelError] = {}
        for context, position in finite.logical_not().nonzero().tolist():
            value = float(highest[context, position])
            found.setdefault(position, self._not_a_number(context, value))
        return found

    def _masked_at(self, device: torch.device) -> Tensor | None:
        if self._masked is None:
            return None
        if device not in self._masked_on:
            self._masked_on[device] = self._masked.to(device)
        return self._masked_on[device]

    def _check_finite(self, rows: Tensor) -> None:
        highest = rows.amax(dim=(1, 2))  # NaN where any logit is NaN
        if not bool(torch.isfinite(highest).all()):
            self.clear_caches()  # keys and values may not be numbers either
            worst = int(torch.isfinite(highest).logical_not().nonzero()[0])
            raise self._not_a_number(worst, float(highest[worst]))

    def _not_a_number(self, context: int, highest: float) -> ModelError:
        return ModelError(
            f"The {self._contexts[context].name} computed logits that are not numbers",
            evidence=f"the largest logit is {highest}",
            next_step="Try float32, or check that the checkpoint is intact.",
        )

    def _align(self, logits: Tensor) -> Tensor:
        """Cut or pad the columns to the base's; padding is masked by the caller."""
        missing = self.vocabulary_size - logits.shape[-1]
        return torch.nn.functional.pad(logits, (0, missing)) if missing else logits
