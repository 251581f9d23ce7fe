"""How a byte-level vocabulary splits a text before it merges bytes: ``tokenizer.ggml.pre``.

The file names the way and the reader has to know it. The patterns are those of the tokenizers that
the names stand for.
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
    """One way of splitting.

    Attributes:
        pattern: What a word is; empty for that of GPT-2.
        digits: Whether every digit is taken apart before.
        composed: Whether characters are composed (NFC) before.
        whole_words: Whether a word of the vocabulary is taken whole, whatever its merges are.
        begins: Whether a text begins with the beginning-of-sequence token unless the file says no.
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
    "smollm": Split(digits=True),
    "starcoder": Split(digits=True),
    "refact": Split(digits=True),
    "llama3": _LLAMA3_SPLIT,
    "llama-v3": _LLAMA3_SPLIT,
    "llama-bpe": _LLAMA3_SPLIT,
    "falcon3": _LLAMA3_SPLIT,
    "dbrx": Split(_LLAMA3),
    "smaug-bpe": Split(_LLAMA3),
    "qwen2": _QWEN2_SPLIT,
    "deepseek-r1-qwen": _QWEN2_SPLIT,
    "tekken": Split(_TEKKEN, whole_words=True, begins=True),
    "gpt-4o": Split(_GPT4O),
}


def split_named(name: str) -> Split:
    """The way that ``name`` stands for.

    Raises:
        UnusableError: It is none that is known.
    """
    if name not in _SPLITS:
        raise UnusableError(
            f"its key “tokenizer.ggml.pre” is “{name[:40]}”, so how it splits a text is not known",
            f"Known are {', '.join(_SPLITS)}. Choose the model's folder with .safetensors files.",
        )
    return _SPLITS[name]
