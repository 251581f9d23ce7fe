"""A base and its expert pairs: the two verbs of a language model for all roles at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from app.decoding.capturing import CaptureError
from app.decoding.combining import Pair, combine_logits, pair_differences
from app.decoding.graphs import LONGEST, GraphedLanguageModel
from app.decoding.language_model import LanguageModel
from app.decoding.remote import RemoteModel
from app.decoding.types import RoleLogits
from app.decoding.whole_step import Ahead, Drawn, WholeSteps, whole_steps
from app.errors import Cancelled, ContextLengthError, ModelError, PromptError

PREFILL_CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleLogits:
    """Raw logits of every evaluation at the last positions.

    Attributes:
        rows: [E, last, V], float32; −inf at masked ids.
        pairs: Which rows make an expert pair.
        masked: Ids that not every role has, [V] of bool, or None where there are none.
        drawn: What was drawn from each position as it was read, or nothing.
    """

    rows: Tensor
    pairs: tuple[Pair, ...]
    masked: Tensor | None = None
    drawn: tuple[Drawn, ...] = ()

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


class _Evaluation:
    """A language model, what to call it, and the ids that its KV cache holds."""

    def __init__(self, model: LanguageModel, name: str) -> None:
        self.model = model
        self.name = name
        self.remote = model if isinstance(model, RemoteModel) else None
        self._held: list[int] = []

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
        self._held += tokens
        return logits

    def note(self, tokens: Sequence[int]) -> None:
        """The model has read ``tokens`` as part of a whole step."""
        self.model.length += len(tokens)
        self._held += tokens

    def rewind(self, length: int) -> None:
        del self._held[length:]
        self.model.rewind(length)

    def read(self, tokens: Sequence[int], cancelled: Callable[[], bool]) -> Tensor:
        """Extend by a long text; here in chunks, elsewhere at once. The last row, [1, V]."""
        chunk = PREFILL_CHUNK if self.remote is None else len(tokens)
        for start in range(0, len(tokens), chunk):
            if cancelled():
                raise Cancelled
            logits = self.extend(tokens[start : start + chunk], 1)
        return logits

    def go_back_to(self, tokens: Sequence[int]) -> int:
        """Keep of what is held the beginning of ``tokens``, all but the last; its length."""
        longest = min(len(self._held), len(tokens) - 1)
        pairs = zip(self._held[:longest], tokens, strict=False)
        common = next((at for at, (held, token) in enumerate(pairs) if held != token), longest)
        try:
            self.rewind(common)
        except ModelError:  # it keeps a state that cannot go back: read everything again
            common = 0
            self.rewind(0)
        return common


class Ensemble:
    """All roles of a recipe over one vocabulary.

    Roles with the same checkpoint and the same prompt are one *evaluation*. Each evaluation has its
    own prompt and so its own offset; the generated tokens are the same for all.

    Args:
        evaluations: The distinct evaluations; the base is the first.
        names: A name for each evaluation, for error messages.
        pairs: The expert pairs, by place among ``evaluations``.
        usable: Ids that every role has, [V] of bool over the base's columns, or None for all.
    """

    def __init__(
        self,
        evaluations: Sequence[LanguageModel],
        names: Sequence[str],
        pairs: Sequence[Pair],
        usable: Tensor | None = None,
    ) -> None:
        self._evaluations = tuple(map(_Evaluation, evaluations, names))
        self.pairs = tuple(pairs)
        self.vocabulary_size = evaluations[0].vocabulary_size
        self._masked = None if usable is None or bool(usable.all()) else ~usable
        self._masked_on: dict[torch.device, Tensor] = {}
        self._offsets = (0,) * len(self._evaluations)
        self._whole = whole_steps(evaluations, self.pairs, self.vocabulary_size, self._masked)
        self._whole_alone: dict[int, WholeSteps | None] = {}

    def only(self, place: int) -> Ensemble:
        """One evaluation by itself, as the base of an ensemble without pairs, with the same ids.

        It shares the KV cache: whichever of the two reads last decides what is held.
        """
        alone = copy(self)
        alone._evaluations = (self._evaluations[place],)
        alone.pairs = ()
        alone._offsets = (0,)
        if place not in self._whole_alone:
            self._whole_alone[place] = whole_steps(
                alone.models, (), self.vocabulary_size, self._masked
            )
        alone._whole, alone._whole_alone = self._whole_alone[place], {}
        return alone

    @property
    def not_captured(self) -> str:
        """Why steps are not captured as a whole, or an empty text."""
        if self._whole is None:
            named = zip(self.names, self.models, strict=True)
            others = [name for name, model in named if not isinstance(model, GraphedLanguageModel)]
            if others:
                return f"the {others[0]} computes its steps otherwise"
            return "the models are on several devices"
        return self._whole.not_captured

    @property
    def models(self) -> tuple[LanguageModel, ...]:
        """What computes each evaluation."""
        return tuple(evaluation.model for evaluation in self._evaluations)

    @property
    def remote(self) -> RemoteModel | None:
        """What computes elsewhere, if anything does; only a base can."""
        return self._evaluations[0].remote

    @property
    def names(self) -> tuple[str, ...]:
        """What each evaluation is called."""
        return tuple(evaluation.name for evaluation in self._evaluations)

    @property
    def fixed(self) -> str:
        """An evaluation whose model cannot rewind, or an empty name; certain after a prefill."""
        names = (item.name for item in self._evaluations if not item.model.can_rewind)
        return next(names, "")

    @property
    def length(self) -> int:
        """Generated tokens held, after the prompts."""
        return self._evaluations[0].model.length - self._offsets[0]

    @property
    def room(self) -> int | None:
        """How many more tokens every role can read, or None where no role names a limit."""
        models = [evaluation.model for evaluation in self._evaluations]
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
            prompts: The token ids of each evaluation's prompt.
            cancelled: Asked before every chunk.

        Returns:
            Logits for the first token to generate.

        Raises:
            PromptError: When a prompt is empty or leaves no room to generate.
            Cancelled: When ``cancelled`` says so.
        """
        self.forget()
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
            prompts: The token ids of each evaluation's prompt.
            text: The ids that follow every prompt.
            cancelled: Asked before every chunk.

        Returns:
            Logits for the token after ``text``.

        Raises:
            PromptError: When a prompt is empty or leaves no room to generate.
            Cancelled: When ``cancelled`` says so.
        """
        self._check_prompts(prompts, len(text))
        missing = []
        for evaluation, prompt in zip(self._evaluations, prompts, strict=True):
            wanted = [*prompt, *text]
            missing.append(wanted[evaluation.go_back_to(wanted) :])
            evaluation.begin(missing[-1], 1)
        rows = self._in_turn(lambda place, it: it.read(missing[place], cancelled))
        self._offsets = tuple(len(prompt) for prompt in prompts)
        return self.gather(rows)

    def extend(
        self,
        tokens: Sequence[int],
        last: int = 1,
        known: Mapping[int, Tensor] | None = None,
        ahead: Ahead | None = None,
    ) -> EnsembleLogits:
        """Read ``tokens`` in every role and return logits of the last positions.

        Args:
            tokens: What to read, [k].
            last: For how many of the last positions to return logits.
            known: Rows, [last, V], of evaluations that have read the tokens by themselves, by
                their place; they are not asked again.
            ahead: What will be drawn after each of the tokens, where all of their logits are
                asked for; where steps are captured as a whole, it is drawn at once.
        """
        known = known or {}
        if self._whole and ahead and last == len(tokens) <= LONGEST and not self.not_captured:
            try:
                return self._extend_as_a_whole(tokens, known, ahead)
            except CaptureError:
                pass  # as it is, then
        for place, evaluation in enumerate(self._evaluations):
            if place not in known:
                evaluation.begin(tokens, last)
        rows = self._in_turn(
            lambda place, it: known[place] if place in known else it.extend(tokens, last)
        )
        return self.gather(rows)

    def forget(self) -> None:
        """Forget everything that was read, and give its memory back."""
        for evaluation in self._evaluations:
            evaluation.rewind(0)

    def give_back(self) -> None:
        """Give back all memory but that of the weights, as when there is too little."""
        self.forget()
        for whole in (self._whole, *self._whole_alone.values()):
            if whole is not None:
                whole.forget()

    def rewind(self, length: int) -> None:
        """Forget the generated tokens after the first ``length``."""
        for evaluation, offset in zip(self._evaluations, self._offsets, strict=True):
            evaluation.rewind(offset + length)

    def _extend_as_a_whole(
        self, tokens: Sequence[int], known: Mapping[int, Tensor], ahead: Ahead
    ) -> EnsembleLogits:
        assert self._whole is not None
        reading = [it for place, it in enumerate(self._evaluations) if place not in known]
        try:
            rows, drawn = self._whole.read(tokens, known, ahead)
        except CaptureError:
            raise
        except BaseException:
            for evaluation in reading:
                evaluation.rewind(0)
            raise
        for evaluation in reading:
            evaluation.note(tokens)
        self._check_finite(rows)
        return EnsembleLogits(rows, self.pairs, self._masked_at(rows.device), drawn)

    def _in_turn(self, work: Callable[[int, _Evaluation], Tensor]) -> list[Tensor]:
        """What each evaluation computes; those elsewhere are waited for after the others."""
        rows: dict[int, Tensor] = {}
        for place, evaluation in sorted(
            enumerate(self._evaluations), key=lambda item: item[1].remote is not None
        ):
            rows[place] = work(place, evaluation)
        return [rows[place] for place in range(len(self._evaluations))]

    def _check_prompts(self, prompts: Sequence[Sequence[int]], following: int) -> None:
        for evaluation, prompt in zip(self._evaluations, prompts, strict=True):
            if not prompt:
                raise PromptError("The prompt is empty", next_step="Type some text to continue.")
            limit = evaluation.model.context_length
            if limit is not None and len(prompt) + following >= limit:
                what = "prompt and the text after it are" if following else "prompt is"
                raise ContextLengthError(
                    f"The {what} longer than the context of the {evaluation.name}",
                    evidence=f"{len(prompt) + following:,} tokens, the context is {limit:,}",
                    next_step="Shorten the prompt or choose a model with a longer context.",
                )

    def gather(self, rows: Sequence[Tensor]) -> EnsembleLogits:
        """Join what each evaluation computed, [n, V] of its own columns, over the base's columns.

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
                f"The {self._evaluations[worst].name} computed logits that are not numbers",
                evidence=f"the largest logit is {float(highest[worst])}",
                next_step="Try float32, or check that the checkpoint is intact.",
            )

    def _align(self, logits: Tensor) -> Tensor:
        """Cut or pad the columns to the base's; ids that are not shared are masked afterwards."""
        missing = self.vocabulary_size - logits.shape[-1]
        return torch.nn.functional.pad(logits, (0, missing)) if missing else logits
