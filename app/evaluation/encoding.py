"""Tokenization of evaluation requests for each model context."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.prompts import check_characters, encode_continuation, encode_prompt
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec
from app.errors import ContextLengthError, PromptError
from app.evaluation.requests import ConversationPrompt, GenerateRequest, Prompt, ScoreRequest

Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Continuation:
    """Tokens to score after a prompt, with the prompt's token ids for each model context."""

    prompts: tuple[Ids, ...]
    tokens: Ids
    truncated: bool = False


class Encoder:
    """Encodes requests with the tokenizers and prompt formats of a loaded recipe.

    Args:
        loaded: The loaded recipe.
        only: Index of the only model context to encode for; None for all. Continuations are always
            encoded with the base's tokenizer.
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
        """The prompt's token ids for each model context, and whether one was truncated.

        Raises:
            PromptError: The prompt is empty, or ``max_new_tokens`` leaves no capacity for a prompt.
        """
        most = request.config.max_new_tokens
        context = min((limit for limit in self._limits if limit is not None), default=None)
        if context is not None and most >= context:
            raise ContextLengthError(
                "The number of new tokens leaves no room for a prompt in the context",
                evidence=f"{most:,} new tokens, the context is {context:,}",
                next_step="Lower the number of new tokens.",
            )
        return self._truncate(self._prompts(request.prompt), most)

    def continuations(self, request: ScoreRequest) -> list[Continuation]:
        """The continuations to score: one after a prompt, or the windows of a text without one.

        Raises:
            PromptError: The text is empty, or is longer than the context.
        """
        if not request.text:
            raise PromptError("The text to be scored is empty")
        check_characters(request.text)
        if request.prompt is None or not request.prompt.plain:
            return list(self._windows(request))
        prompt, tokens = encode_text_after(*self._base, request.prompt, request.text)
        if not tokens:
            raise PromptError("The text to be scored has no tokens", evidence=repr(request.text))
        self._check_readable(tokens)
        room = len(tokens) - 1  # the last token is scored but not read
        for limit in self._limits:
            if limit is not None and room >= limit:
                raise ContextLengthError(
                    "A text to be scored is longer than the context of the models",
                    evidence=f"{len(tokens):,} tokens, the context is {limit:,}",
                )
        prompts, truncated = self._truncate(self._prompts(prompt), room)
        return [Continuation(prompts, tokens, truncated)]

    def _prompts(self, prompt: Prompt) -> tuple[Ids, ...]:
        return tuple(
            tuple(self._loaded.prompt_ids(place, encode_for_role(tokenizer, spec, prompt)))
            for place, (tokenizer, spec) in zip(self._places, self._formats, strict=True)
        )

    def _check_readable(self, ids: Ids) -> None:
        """Check that all model contexts have an embedding row for each of ``ids``.

        Raises:
            PromptError: An id has no row.
        """
        for place in self._places:
            self._loaded.check_ids(place, ids)

    def _truncate(self, prompts: tuple[Ids, ...], room: int) -> tuple[tuple[Ids, ...], bool]:
        """Drop the beginning of prompts that leave no capacity for ``room`` more tokens."""
        fitting = tuple(
            ids if limit is None or len(ids) + room <= limit else ids[len(ids) + room - limit :]
            for ids, limit in zip(prompts, self._limits, strict=True)
        )
        return fitting, fitting != prompts

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
            prompts = tuple(
                own or tuple(self._loaded.prompt_ids(place, (prefix,)))
                for place, prefix in zip(self._places, self._prefixes, strict=True)
            )
            yield Continuation(prompts, tuple(ids[first:end]))


def windows(length: int, most: int, before: int) -> Iterator[tuple[int, int, int]]:
    """Split a text into overlapping windows that score each token once.

    Args:
        length: Number of tokens of the text.
        most: Maximum number of tokens of a window.
        before: Minimum number of context tokens before a scored token, if the text has that many.

    Yields:
        Start of the window, start of its scored tokens, and end. The first window follows a prefix
        token, which counts as one token; the last token of a window is scored but not read.
    """
    first = 0
    while first < length:
        end = min(length, first + (most - before + 1 if first else most))
        yield (max(0, end - most - 1) if first else 0), first, end
        first = end


def encode_text_after(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, prompt: Prompt, text: str
) -> tuple[Prompt, Ids]:
    """The prompt to use, and the base's token ids of ``text`` after it.

    If the space at the end of the prompt merges with the start of ``text`` into one token, the
    space is moved to ``text``.

    Raises:
        PromptError: The prompt or the text cannot be encoded.
    """
    stripped = prompt.plain.rstrip()
    moved = replace(prompt, plain=stripped)
    if spec.prompt == PLAIN and not isinstance(prompt, ConversationPrompt):
        whole = encode_prompt(tokenizer, spec, prompt.plain + text)
        for before in (prompt, moved) if stripped else (prompt,):
            ids = encode_prompt(tokenizer, spec, before.plain)
            if whole[: len(ids)] == ids and len(whole) > len(ids):
                return before, tuple(whole[len(ids) :])
    return prompt, tuple(encode_continuation(tokenizer, text))


def encode_for_role(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, prompt: Prompt
) -> Ids:
    """The token ids of a prompt in the format of a role.

    Raises:
        PromptError: The prompt cannot be encoded.
    """
    if isinstance(prompt, ConversationPrompt):
        return tuple(encode_prompt(tokenizer, spec, prompt.conversation))
    if spec.prompt != CHAT:
        return tuple(encode_prompt(tokenizer, spec, prompt.plain))
    ids = encode_prompt(tokenizer, spec, prompt.message)
    if prompt.reply:
        ids = [*ids, *encode_continuation(tokenizer, prompt.reply)]
    return tuple(ids)


def _prefix(tokenizer: PreTrainedTokenizerBase, eos_ids: Collection[int]) -> int:
    """The token id that precedes a text without a prompt."""
    named = (tokenizer.bos_token_id, tokenizer.eos_token_id, *sorted(eos_ids), 0)
    return next(int(token) for token in named if token is not None)
