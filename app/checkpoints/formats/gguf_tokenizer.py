"""The tokenizer of a GGUF file; it gives the same ids as the original tokenizer of the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import PreTrainedTokenizerFast

from app.checkpoints.formats.gguf_splits import Split
from app.checkpoints.formats.gguf_vocabulary import SENTENCEPIECE, Flags, TokenKind, Vocabulary

_SPACE = "▁"
_MERGED_BY_ID = ("gemma", "gemma2", "gemma3")
_NAMES = {"bos": "bos_token", "eos": "eos_token", "unknown": "unk_token", "padding": "pad_token"}


def save_tokenizer(vocabulary: Vocabulary, architecture: str, folder: Path) -> None:
    """Write the tokenizer with special tokens and chat templates in the format of transformers."""
    flags = vocabulary.flags
    named = {
        name: vocabulary.tokens[flags.ids[role]]
        for role, name in _NAMES.items()
        if role in flags.ids and vocabulary.is_special(flags.ids[role])
    }
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(vocabulary, architecture),
        clean_up_tokenization_spaces=False,
        **named,
    )
    if list(flags.templates) == ["default"]:
        tokenizer.chat_template = flags.templates["default"]
    elif flags.templates:
        tokenizer.chat_template = flags.templates
    tokenizer.save_pretrained(folder)


def build_tokenizer(vocabulary: Vocabulary, architecture: str) -> Tokenizer:
    """The tokenizer of ``vocabulary``; Gemma and Phi-3 need details that the file does not have."""
    if vocabulary.flags.kind == SENTENCEPIECE:
        tokenizer = _sentencepiece(vocabulary, architecture)
    else:
        tokenizer = _byte_level(vocabulary)
    # In Phi-3, control tokens include the white space after them.
    strips_right = architecture == "phi3" and vocabulary.flags.kind == SENTENCEPIECE
    marked = vocabulary.flags.kind == SENTENCEPIECE and architecture in _MERGED_BY_ID
    added = list(_added_tokens(vocabulary, strips_right, marked))
    tokenizer.add_special_tokens([token for token in added if token.special])
    tokenizer.add_tokens([token for token in added if not token.special])
    tokenizer.post_processor = _post_processor(vocabulary)
    return tokenizer


def _byte_level(vocabulary: Vocabulary) -> Tokenizer:
    split = vocabulary.flags.split or Split()
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: index for index, token in enumerate(vocabulary.tokens)},
            merges=vocabulary.merges,
            ignore_merges=split.whole_words,
        )
    )
    if split.composed:
        tokenizer.normalizer = normalizers.NFC()
    steps: list[Any] = [pre_tokenizers.Digits(individual_digits=True)] if split.digits else []
    if split.pattern:
        steps.append(pre_tokenizers.Split(Regex(split.pattern), behavior="isolated"))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not split.pattern))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _sentencepiece(vocabulary: Vocabulary, architecture: str) -> Tokenizer:
    by_id = architecture in _MERGED_BY_ID
    tokens = [_with_marked_spaces(token) if by_id else token for token in vocabulary.tokens]
    merges = vocabulary.merges or list(_merges(vocabulary, tokens, by_id))
    unknown = vocabulary.flags.ids.get("unknown")
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: index for index, token in enumerate(tokens)},
            merges=merges,
            unk_token=None if unknown is None else tokens[unknown],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    marked: Any = normalizers.Replace(" ", _SPACE)
    decoding: list[Any] = [
        decoders.Replace(_SPACE, " "),
        decoders.ByteFallback(),
        decoders.Fuse(),
    ]
    if vocabulary.flags.spaced:
        marked = normalizers.Sequence([normalizers.Prepend(_SPACE), marked])
        decoding.append(decoders.Strip(" ", 1, 0))
    tokenizer.normalizer = marked
    tokenizer.decoder = decoders.Sequence(decoding)
    return tokenizer


def _with_marked_spaces(token: str) -> str:
    """Replace the spaces of a token of spaces by ``▁``, from which Gemma merges such tokens."""
    return _SPACE * len(token) if token and not token.strip(" ") else token


def _merges(vocabulary: Vocabulary, tokens: list[str], by_id: bool) -> Iterator[tuple[str, str]]:
    """The merges in the order that follows from the scores of the tokens.

    In Gemma's vocabularies, merges have the order of the ids instead.
    """
    ids = {
        token: index
        for index, token in enumerate(tokens)
        if vocabulary.kind(index) in (TokenKind.NORMAL, TokenKind.USER_DEFINED)
    }
    found = []
    for token, index in ids.items():
        rank = index if by_id else -vocabulary.scores[index]
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in ids and right in ids:
                found.append((rank, -len(left), -len(right), -ids[left], left, right))
    found.sort(key=lambda item: item[:4])
    return ((left, right) for *_, left, right in found)


def _added_tokens(vocabulary: Vocabulary, strips_right: bool, marked: bool) -> Iterator[AddedToken]:
    """The tokens that are matched in a text before pre-tokenization."""
    endoftext = {"<s>", "<unk>", "<|endoftext|>"}  # not in Phi-3 either
    for index, token in enumerate(vocabulary.tokens):
        kind = vocabulary.kind(index)
        special = vocabulary.is_special(index)
        merged = marked and not token.strip(" ")
        if special or (kind == TokenKind.USER_DEFINED and not merged):
            strip = strips_right and special and token not in endoftext
            yield AddedToken(token, normalized=False, special=special, rstrip=strip)


def _post_processor(vocabulary: Vocabulary) -> Any:
    """The post-processor, which adds the tokens before and after a text that the file requires."""
    flags: Flags = vocabulary.flags
    first = [vocabulary.tokens[flags.ids["bos"]]] if flags.begins else []
    last = [vocabulary.tokens[flags.ids["eos"]]] if flags.ends else []
    if not first and not last:
        return processors.ByteLevel(trim_offsets=False)
    ids = {vocabulary.tokens[index]: index for index in flags.ids.values()}
    return processors.TemplateProcessing(
        single=[*first, "$A", *last],
        pair=[*first, "$A:0", *first, "$B:1", *last],
        special_tokens=[(token, ids[token]) for token in dict.fromkeys([*first, *last])],
    )
