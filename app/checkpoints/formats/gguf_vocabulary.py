"""The vocabulary of a GGUF file: tokens, special tokens and chat templates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum

from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_metadata import Metadata, UnusableError
from app.checkpoints.formats.gguf_splits import Split, split_named

BYTE_LEVEL, SENTENCEPIECE = "gpt2", "llama"

_GGML = "tokenizer.ggml."
_NONE = 2**32 - 1  # some converters write it for “no token”
_SENTENCEPIECE_IDS = {"bos": 1, "eos": 2, "unknown": 0}  # defaults
_ROLES = ("bos", "eos", "eot", "eom", "unknown", "padding")
_WITHOUT_EFFECT = (
    *(f"{_GGML}{name}_token_id" for name in ("seperator", "mask", "cls", "prefix", "suffix")),
    *(f"{_GGML}{name}_token_id" for name in ("middle", "fim_pre", "fim_suf", "fim_mid")),
    *(f"{_GGML}{name}_token_id" for name in ("fim_pad", "fim_rep", "fim_sep")),
    f"{_GGML}token_type_count",
    "tokenizer.huggingface.json",  # the same vocabulary in another format
)
_ENDS = {
    *("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>"),
    *("<|endoftext|>", "<|eom_id|>", "<EOT>", "_<EOT>", "<|end_of_text|>"),
    *("<end_of_utterance>",),
}
"""Tokens that always end a text, as in llama.cpp."""


class TokenKind(IntEnum):
    """llama.cpp's types of tokens."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Flags:
    """The properties of a vocabulary beside its tokens.

    Attributes:
        kind: ``BYTE_LEVEL`` or ``SENTENCEPIECE``.
        split: The pre-tokenizer; None for SentencePiece, which has none.
        ids: Ids of the special tokens by their role, such as ``eos``.
        begins, ends: Whether ``bos`` is added before a text, and ``eos`` after it.
        spaced: Whether a space is added before a text.
        templates: Chat templates by name; the unnamed one is ``default``.
    """

    kind: str
    split: Split | None
    ids: dict[str, int]
    begins: bool
    ends: bool
    spaced: bool
    templates: dict[str, str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens of the file. Kinds, scores and merges are empty if the file has none."""

    flags: Flags
    tokens: list[str]
    kinds: list[int]
    scores: list[float]
    merges: list[tuple[str, str]]

    def is_special(self, index: int) -> bool:
        """Whether a token is special, by its kind, or by its role if the file has no kinds."""
        if not self.kinds:
            return index in self.flags.ids.values()
        return self.kinds[index] in (TokenKind.CONTROL, TokenKind.UNKNOWN)

    def kind(self, index: int) -> int:
        """The :class:`TokenKind` of a token."""
        return self.kinds[index] if self.kinds else TokenKind.NORMAL

    @property
    def ends(self) -> list[int]:
        """The ids that end a text, the end-of-sequence token first."""
        ids = self.flags.ids
        named = [ids[role] for role in ("eos", "eot", "eom") if role in ids]
        named += [index for index, token in enumerate(self.tokens) if token in _ENDS]
        return list(dict.fromkeys(named))


def read_flags(contents: Contents) -> Flags:
    """The properties of the vocabulary, without its tokens.

    Raises:
        UnusableError: The file has no vocabulary, or an unsupported one.
    """
    metadata = contents.metadata
    if f"{_GGML}model" not in metadata:
        raise UnusableError("it holds no tokenizer", "Choose the file of a language model.")
    kind = metadata.text(f"{_GGML}model")
    if kind not in (BYTE_LEVEL, SENTENCEPIECE):
        raise UnusableError(
            f"its tokenizer is of the kind “{kind[:40]}”; "
            f"supported are {BYTE_LEVEL} (byte-level BPE) and {SENTENCEPIECE} (SentencePiece)",
        )
    split = split_named(metadata.text(f"{_GGML}pre", "")) if kind == BYTE_LEVEL else None
    if split is None:
        metadata.use(f"{_GGML}pre")  # SentencePiece has no pre-tokenizer
    ids = _read_ids(metadata, kind)
    begins = metadata.flag(
        f"{_GGML}add_bos_token", split is None or (split.begins and "bos" in ids)
    )
    ends = metadata.flag(f"{_GGML}add_eos_token", False)
    for role, added in (("bos", begins), ("eos", ends)):
        if added and role not in ids:
            raise UnusableError(
                f"it adds “{role}” to texts and lacks the key “{_GGML}{role}_token_id”"
            )
    spaced = metadata.flag(f"{_GGML}add_space_prefix", split is None)
    _check_rest(metadata, spaced and split is not None)
    return Flags(kind, split, ids, begins, ends, spaced, _read_templates(metadata))


def _read_ids(metadata: Metadata, kind: str) -> dict[str, int]:
    ids = dict(_SENTENCEPIECE_IDS) if kind == SENTENCEPIECE else {}
    for role in _ROLES:
        key = f"{_GGML}{role}_token_id"
        if metadata.values.get(key) == _NONE:
            metadata.use(key)
            ids.pop(role, None)
        elif key in metadata:
            ids[role] = metadata.whole(key, least=0)
    count = metadata.count(f"{_GGML}tokens")
    for role, index in ids.items():
        if index >= count:
            raise UnusableError(
                f"its “{role}” token has the id {index:,}, and there are {count:,} tokens"
            )
    return ids


def _check_rest(metadata: Metadata, spaced_bytes: bool) -> None:
    """Mark the other keys of the vocabulary as used; refuse unsupported values."""
    for key in (
        *_WITHOUT_EFFECT,
        *(f"{_GGML}{name}" for name in ("tokens", "token_type", "scores", "merges")),
    ):
        metadata.use(key)
    for name in ("add_sep_token", "remove_extra_whitespaces"):
        if metadata.flag(f"{_GGML}{name}", False):
            raise UnusableError(f"its key “{_GGML}{name}” is set, which is not supported")
    if spaced_bytes:
        raise UnusableError(f"its key “{_GGML}add_space_prefix” is set, which is not supported")


def _read_templates(metadata: Metadata) -> dict[str, str]:
    key = "tokenizer.chat_template"
    templates = {"default": metadata.text(key)} if key in metadata else {}
    metadata.use("tokenizer.chat_templates")  # only the names of the templates
    for name in metadata.values:
        if name.startswith(f"{key}."):
            templates[name.removeprefix(f"{key}.")] = metadata.text(name)
    return templates


def read_vocabulary(contents: Contents) -> Vocabulary:
    """The vocabulary of a file whose header was read with ``everything``.

    Raises:
        UnusableError: The vocabulary is inconsistent or not supported.
    """
    flags, metadata = read_flags(contents), contents.metadata
    tokens = metadata.texts(f"{_GGML}tokens")
    kinds = _integers_of_tokens(metadata, "token_type", len(tokens))
    twice = [token for token, times in Counter(tokens).items() if times > 1]
    if twice:
        raise UnusableError(f"its token “{twice[0][:40]}” occurs twice")
    merges: list[tuple[str, str]] = []
    if f"{_GGML}merges" in metadata:
        merges = [_merge(line) for line in metadata.texts(f"{_GGML}merges")]
    elif flags.kind == BYTE_LEVEL:
        raise UnusableError(f"it lacks the key “{_GGML}merges”")
    scores: list[float] = []
    if flags.kind == SENTENCEPIECE and not merges:
        scores = metadata.numbers(f"{_GGML}scores")
        if len(scores) != len(tokens):
            raise UnusableError(f"it has {len(scores):,} scores for {len(tokens):,} tokens")
    return Vocabulary(flags, tokens, kinds, scores, merges)


def _integers_of_tokens(metadata: Metadata, name: str, count: int) -> list[int]:
    if f"{_GGML}{name}" not in metadata:
        return []
    found = metadata.wholes(f"{_GGML}{name}")
    if len(found) != count:
        raise UnusableError(
            f"its key “{_GGML}{name}” has {len(found):,} values for {count:,} tokens"
        )
    return found


def _merge(line: str) -> tuple[str, str]:
    middle = line.find(" ", 1)  # a part may begin with a space, and never ends with one
    if middle < 0:
        raise UnusableError(f"its merge “{line[:40]}” does not have two parts")
    return line[:middle], line[middle + 1 :]
