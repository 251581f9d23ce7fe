"""Encoding and decoding as the base of a loaded recipe does it, beside the engine's thread."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from threading import Lock

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from app.checkpoints.conversation import Prompt, RawText
from app.checkpoints.prompts import check_characters, encode_prompt, tool_template
from app.checkpoints.spec import CHAT, CheckpointSpec
from app.checkpoints.vocabulary.text_encoding import encode_as_prompt
from app.errors import PromptError


class TextCoder:
    """Encodes prompts and decodes ids as the base of a recipe does, on any thread.

    It has a copy of the tokenizer, made when it is first needed, since a tokenizer that two threads
    use may raise errors.

    Args:
        tokenizer: The tokenizer of the base.
        spec: The base, with its prompt format.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, spec: CheckpointSpec) -> None:
        self._original = tokenizer
        self._spec = spec
        self._copy: PreTrainedTokenizerBase | None = None
        self._lock = Lock()

    @property
    def tool_template(self) -> str:
        """The chat template that reads tools; an empty text if the base uses none."""
        return tool_template(self._original) if self._spec.prompt == CHAT else ""

    def special_id(self, text: str) -> int | None:
        """The id of a special token; None if the text is not one."""
        added = self._original.backend_tokenizer.get_added_tokens_decoder()
        return next(
            (index for index, token in added.items() if token.special and token.content == text),
            None,
        )

    def encode(self, prompt: Prompt) -> list[int]:
        """The ids of a prompt in the prompt format of the base.

        Raises:
            PromptError: The base cannot read the prompt.
        """
        with self._lock:
            return encode_prompt(self._tokenizer(), self._spec, prompt)

    def encode_raw(self, text: str) -> list[int]:
        """The ids of a raw prompt; of an empty text, the special tokens that a prompt begins with.

        Raises:
            PromptError: The text has a lone surrogate.
        """
        if text:
            return self.encode(RawText(text))
        with self._lock:
            tokenizer = self._tokenizer()
            return encode_as_prompt(tokenizer.backend_tokenizer, text, tokenizer.bos_token_id)

    def encode_plain(self, text: str) -> list[int]:
        """The ids of a text, without special tokens around it.

        Raises:
            PromptError: The text has a lone surrogate.
        """
        check_characters(text)
        with self._lock:
            return list(self._backend().encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special tokens included.

        Raises:
            PromptError: The tokenizer does not have one of the ids.
        """
        with self._lock:
            unknown = [index for index in ids if index >= len(self._tokenizer())]
            if unknown:
                raise PromptError("The tokenizer does not have an id", evidence=f"{unknown[0]:,}")
            text: str = self._backend().decode(list(ids), skip_special_tokens=False)
            return text

    def _backend(self) -> Tokenizer:
        backend: Tokenizer = self._tokenizer().backend_tokenizer
        return backend

    def _tokenizer(self) -> PreTrainedTokenizerBase:
        if self._copy is None:
            self._copy = deepcopy(self._original)
        return self._copy
