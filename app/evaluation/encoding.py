"""From requests to the ids that each evaluation reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from app.checkpoints.loading.loader import LoadedRecipe
from app.checkpoints.prompts import encode_continuation, encode_prompt
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec
from app.errors import ContextLengthError, PromptError
from app.evaluation.requests import GenerateRequest, Prompt, ScoreRequest

Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Continuation:
    """Tokens to be scored after the prompt of each evaluation, which may have been cut."""

    prompts: tuple[Ids, ...]
    tokens: Ids
    cut: bool = False


class Encoder:
    """Encodes requests for a loaded recipe.

    Args:
        loaded: Whose tokenizers and prompt formats are used.
        only: The one evaluation that is asked, by its place; None for all of them. What is scored
            after a prompt has the ids of the base's tokenizer for all.
    """

    def __init__(self, loaded: LoadedRecipe, only: int | None = None) -> None:
        self._loaded = loaded
        self._places = tuple(range(len(loaded.formats))) if only is None else (only,)
        places = self._places
        self._base = loaded.formats[0]
        self._formats = [loaded.formats[place] for place in places]
        self._limits = [loaded.ensemble.models[place].context_length for place in places]
        self._prefixes = [_prefix(tokenizer, loaded.eos_ids) for tokenizer, _ in self._formats]

    def prompts(self, request: GenerateRequest) -> tuple[tuple[Ids, ...], bool]:
        """The prompt of each evaluation, and whether one was cut to make room for the text.

        Raises:
            PromptError: The prompt is empty, or the context has no room for so many new tokens.
        """
        most = request.config.max_new_tokens
        context = min((limit for limit in self._limits if limit is not None), default=None)
        if context is not None and most >= context:
            raise ContextLengthError(
                "There is no room for a prompt in the context of the models",
                evidence=f"{most:,} new tokens, the context is {context:,}",
                next_step="Lower the number of new tokens.",
            )
        return self._cut(self._prompts(request.prompt), most)

    def continuations(self, request: ScoreRequest) -> list[Continuation]:
        """What has to be scored: one piece after a prompt, or the windows of a text without one.

        Raises:
            PromptError: There is nothing to score, or the answer alone fills the context.
        """
        if not request.text:
            raise PromptError("The text to be scored is empty")
        if request.prompt is None or not request.prompt.plain:
            return list(self._windows(request))
        prompt, tokens = self._after(request.prompt, request.text)
        if not tokens:
            raise PromptError("The text to be scored has no tokens", evidence=repr(request.text))
        self._check_readable(tokens)
        room = len(tokens) - 1  # the last one is not read
        for limit in self._limits:
            if limit is not None and room >= limit:
                raise ContextLengthError(
                    "A text to be scored is longer than the context of the models",
                    evidence=f"{len(tokens):,} tokens, the context is {limit:,}",
                )
        prompts, cut = self._cut(self._prompts(prompt), room)
        return [Continuation(prompts, tokens, cut)]

    def _prompts(self, prompt: Prompt) -> tuple[Ids, ...]:
        prompts = tuple(_encode(tokenizer, spec, prompt) for tokenizer, spec in self._formats)
        for place, ids in zip(self._places, prompts, strict=True):
            self._loaded.check_ids(place, ids)
        return prompts

    def _check_readable(self, ids: Ids) -> None:
        """Refuse ids that a model which is asked has no row for.

        Raises:
            PromptError: There is such an id.
        """
        for place in self._places:
            self._loaded.check_ids(place, ids)

    def _cut(self, prompts: tuple[Ids, ...], room: int) -> tuple[tuple[Ids, ...], bool]:
        """Leave out the beginning of prompts that do not fit before ``room`` more tokens."""
        fitting = tuple(
            ids if limit is None or len(ids) + room <= limit else ids[len(ids) + room - limit :]
            for ids, limit in zip(prompts, self._limits, strict=True)
        )
        return fitting, fitting != prompts

    def _after(self, prompt: Prompt, text: str) -> tuple[Prompt, Ids]:
        """The ids of ``text`` in the base's tokenizer, as they are in the middle of a text.

        Where a space at the end of the prompt makes a token with what follows, it belongs to it.
        """
        tokenizer, spec = self._base
        stripped = prompt.plain.rstrip()
        moved = replace(prompt, plain=stripped)
        if spec.prompt == PLAIN:
            whole = encode_prompt(tokenizer, spec, prompt.plain + text)
            for before in (prompt, moved) if stripped else (prompt,):
                ids = encode_prompt(tokenizer, spec, before.plain)
                if whole[: len(ids)] == ids and len(whole) > len(ids):
                    return before, tuple(whole[len(ids) :])
        return prompt, tuple(encode_continuation(tokenizer, text))

    def _windows(self, request: ScoreRequest) -> Iterator[Continuation]:
        tokenizer = self._base[0]
        ids: list[int] = tokenizer(request.text, add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        self._check_readable(tuple(ids))
        limits = [limit for limit in self._limits if limit is not None]
        most = min(limits, default=len(ids) + 1)
        for start, first, end in windows(len(ids), most, max(1, round(request.context * most))):
            own = tuple(ids[start:first])
            prompts = tuple(own or (prefix,) for prefix in self._prefixes)
            yield Continuation(prompts, tuple(ids[first:end]))


def windows(length: int, most: int, before: int) -> Iterator[tuple[int, int, int]]:
    """Cut a text into windows, so that every token is scored once.

    Args:
        length: Tokens of the text.
        most: Tokens that can be read at once.
        before: At least so many tokens are read before a scored one, where the text has them.

    Yields:
        Where a window starts, where its scored tokens start, and where it ends. The first window
        is read after a prefix, which takes the place of a token; the last token is never read.
    """
    first = 0
    while first < length:
        end = min(length, first + (most - before + 1 if first else most))
        yield (max(0, end - most - 1) if first else 0), first, end
        first = end


def _encode(tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, prompt: Prompt) -> Ids:
    if spec.prompt != CHAT:
        return tuple(encode_prompt(tokenizer, spec, prompt.plain))
    ids = encode_prompt(tokenizer, spec, prompt.message)
    if prompt.reply:
        ids = [*ids, *encode_continuation(tokenizer, prompt.reply)]
    return tuple(ids)


def _prefix(tokenizer: PreTrainedTokenizerBase, eos_ids: Collection[int]) -> int:
    """What a text without a prompt is read after."""
    named = (tokenizer.bos_token_id, tokenizer.eos_token_id, *sorted(eos_ids), 0)
    return next(int(token) for token in named if token is not None)
