"""Pre-tokenizers of byte-level vocabularies, by the name in ``tokenizer.ggml.pre``.

A file has only the name. The patterns here are those of the original tokenizers.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.formats.gguf_metadata import UnusableError

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_LLAMA3 = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_REST}"
_QWEN2 = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_REST}"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_BEFORE = r"[^\r\n\p{L}\p{N}]?"
_SLASHED_REST = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_TEKKEN = rf"{_BEFORE}{_UPPER}*{_LOWER}+|{_BEFORE}{_UPPER}+{_LOWER}*|\p{{N}}|{_SLASHED_REST}"
_GPT4O = (
    rf"{_BEFORE}{_UPPER}*{_LOWER}+{_CONTRACTIONS}?|{_BEFORE}{_UPPER}+{_LOWER}*{_CONTRACTIONS}?"
    rf"|\p{{N}}{{1,3}}|{_SLASHED_REST}"
)


@dataclass(frozen=True, slots=True)
class Split:
    """A pre-tokenizer, which splits a text into words before bytes are merged.

    Attributes:
        pattern: Regular expression of a word; empty for that of GPT-2.
        digits: Whether digits are split from each other first.
        composed: Whether the text is normalized to NFC first.
        whole_words: Whether a word that is in the vocabulary is one token, regardless of merges.
        begins: Whether a text starts with the beginning-of-sequence token by default.
    """

    pattern: str = ""
    digits: bool = False
    composed: bool = False
    whole_words: bool = False
    begins: bool = False


_LLAMA3_SPLIT = Split(_LLAMA3, whole_words=True, begins=True)
_QWEN2_SPLIT = Split(_QWEN2, composed=True)
_SPLITS = {
    "gpt-2": Split(),
    "phi-2": Split(),
    "olmo": Split(composed=True),
    "mpt": Split(composed=True),
    "smollm": Split(digits=True),
    "starcoder": Split(digits=True),
    "refact": Split(digits=True),
    "llama3": _LLAMA3_SPLIT,
    "llama-v3": _LLAMA3_SPLIT,
    "llama-bpe": _LLAMA3_SPLIT,
    "falcon3": _LLAMA3_SPLIT,
    "falcon-h1": _LLAMA3_SPLIT,
    "lfm2": _LLAMA3_SPLIT,
    "dbrx": Split(_LLAMA3),
    "smaug-bpe": Split(_LLAMA3),
    "qwen2": _QWEN2_SPLIT,
    "deepseek-r1-qwen": _QWEN2_SPLIT,
    "tekken": Split(_TEKKEN, whole_words=True, begins=True),
    "gpt-4o": Split(_GPT4O),
}


def split_named(name: str) -> Split:
    """The pre-tokenizer called ``name``.

    Raises:
        UnusableError: The name is unknown.
    """
    if name not in _SPLITS:
        raise UnusableError(
            f"its key “tokenizer.ggml.pre” is “{name[:40]}”, an unknown pre-tokenizer",
            f"Known are {', '.join(_SPLITS)}. Choose the model's folder with .safetensors files.",
        )
    return _SPLITS[name]
