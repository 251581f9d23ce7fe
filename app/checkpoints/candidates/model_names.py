"""What the name of a model says: of which models it is a version, and whether it was tuned."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile


class Tuning(StrEnum):
    """Whether a model was tuned after pretraining, as far as its name says."""

    INSTRUCT = "instruct"  # to follow instructions or to chat
    OTHER = "other"  # on something else
    NONE = "none"
    UNKNOWN = "unknown"


_SEPARATOR = re.compile(r"[-_ /:]+|\.(?!\d)")
_INSTRUCT = frozenset(
    ("instruct", "instruction", "chat", "it", "sft", "dpo", "rlhf", "assistant", "zephyr")
)
_OTHER = frozenset(("expert", "finetuned", "tuned", "math", "coder", "code", "reasoning"))
_UNTUNED = frozenset(("base", "pretrained", "pt", "antiexpert", "untuned"))
_PACKING = re.compile(
    r"[-._ :](?:latest|gguf|i?q\d\w*|b?f16|f32|fp16|fp32|awq|gptq|int[48]|[48]bit|bnb|nf4|mlx|hf)"
    r"(?=[-._ :]|$)"
)
"""Words that say in which format or dtype the weights are."""


def tuning_of(name: str) -> Tuning:
    """Whether a model was tuned, by the words in its name."""
    words = set(_words(name))
    if words & _INSTRUCT:
        return Tuning.INSTRUCT
    if words & _UNTUNED:
        return Tuning.NONE
    return Tuning.OTHER if words & _OTHER else Tuning.UNKNOWN


@lru_cache(maxsize=4096)
def stem_of(name: str) -> str:
    """The name without the words that say how a model was tuned or packed.

    It is the same for ``Qwen2.5-0.5B`` and ``qwen2.5-0.5b-instruct-q4_k_m``.
    """
    return "-".join(word for word in _words(name) if word not in _INSTRUCT | _UNTUNED)


def common_start(one: str, other: str) -> int:
    """The number of characters with which both names begin, in any case."""
    pairs = zip(one.lower(), other.lower(), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _words(name: str) -> list[str]:
    spelled = name.lower().replace("fine-tuned", "finetuned").replace("anti-", "anti")
    return [word for word in _SEPARATOR.split(_PACKING.sub("", spelled)) if word]
