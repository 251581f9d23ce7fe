"""Encoding of passages as the small model reads them, with what is learned of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from app.checkpoints.conversation import Conversation
from app.checkpoints.prompts import check_characters, encode_continuation, encode_prompt
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec
from app.errors import Cancelled, PromptError, TrainingError
from app.training.data.documents import Document, Passage

QUESTION_TEMPLATE = "{prompt}\n"
"""The prompt format for questions where the model has no chat template."""


@dataclass(frozen=True, slots=True)
class Example:
    """A sequence of token ids that is trained on.

    Attributes:
        ids: The ids.
        first_learned: The index of the first id that has a loss; all after it have one.
        cut: Whether the prompt lost its beginning, or the text its end, since it was too long.
    """

    ids: tuple[int, ...]
    first_learned: int
    cut: bool = False

    @property
    def learned(self) -> int:
        """The number of ids that have a loss."""
        return len(self.ids) - self.first_learned


def suitable_format(documents: Iterable[Document], tokenizer: PreTrainedTokenizerBase) -> str:
    """The prompt format for these documents: texts are plain, questions use the chat template."""
    passages = [passage for document in documents for passage in document.passages]
    asked = [passage for passage in passages if passage.prompt]
    if not asked:
        return PLAIN
    if tokenizer.chat_template:
        return CHAT
    if any(isinstance(passage.prompt, Conversation) for passage in asked):
        return PLAIN
    spaced = [p for p in asked if p.text[:1].isspace() or str(p.prompt)[-1:].isspace()]
    return PLAIN if len(spaced) > len(asked) / 2 else QUESTION_TEMPLATE


def as_read(passage: Passage, spec: CheckpointSpec) -> Passage:
    """The passage with spaces at the end of a plain prompt moved to its text.

    Most tokenizers have tokens that begin with a space, and none that would follow one.
    """
    prompt = passage.prompt
    if spec.prompt != PLAIN or not isinstance(prompt, str) or not prompt:
        return passage
    kept = prompt.rstrip(" ")
    return replace(passage, prompt=kept, text=prompt[len(kept) :] + passage.text)


def encode_document(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, document: Document, most: int
) -> list[Example]:
    """The examples of a document, of at most ``most`` tokens each.

    Raises:
        PromptError: A prompt or a text cannot be encoded.
    """
    return [
        example
        for passage in document.passages
        for example in _encode(tokenizer, spec, as_read(passage, spec), most)
    ]


def encode_documents(
    tokenizer: PreTrainedTokenizerBase,
    spec: CheckpointSpec,
    documents: Iterable[Document],
    most: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Example]:
    """The examples of documents that have a token to learn.

    Raises:
        TrainingError: A document cannot be encoded.
        Cancelled: ``cancelled`` returned True.
    """
    found = []
    for document in documents:
        if cancelled():
            raise Cancelled
        try:
            found += encode_document(tokenizer, spec, document, most)
        except PromptError as error:
            raise TrainingError(f"{document.name} cannot be read", evidence=str(error)) from error
    return [example for example in found if example.learned]


def _encode(
    tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec, passage: Passage, most: int
) -> list[Example]:
    end = [tokenizer.eos_token_id] if passage.ends and tokenizer.eos_token_id is not None else []
    if passage.prompt:
        prompt = encode_prompt(tokenizer, spec, passage.prompt)
        return [_after_prompt(prompt, encode_continuation(tokenizer, passage.text) + end, most)]
    check_characters(passage.text)
    ids = tokenizer(passage.text, add_special_tokens=False, verbose=False)["input_ids"]
    return _windows([*_first_ids(tokenizer), *ids, *end], most)


def _after_prompt(prompt: Sequence[int], text: Sequence[int], most: int) -> Example:
    """A prompt and its answer; the answer keeps its tokens before the prompt does."""
    kept = text[: most - 1]
    room = most - len(kept)
    shown = prompt[len(prompt) - room :] if len(prompt) > room else prompt
    cut = len(kept) < len(text) or len(shown) < len(prompt)
    return Example((*shown, *kept), len(shown), cut)


def _windows(ids: Sequence[int], most: int) -> list[Example]:
    """A text in windows that overlap by the one token which is only read."""
    return [
        Example(tuple(ids[start : start + most]), 1)
        for start in range(0, max(1, len(ids) - 1), most - 1)
    ]


def _first_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The id before a text without a prompt, the same as in an evaluation."""
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return [int(token)]
    return []
