"""Rotary embeddings whose factors depend on the length of the text.

Beyond a certain length, longrope (Phi-3) uses its long factors instead of its short ones, and
dynamic NTK computes factors for each length.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from app.decoding.context_limit import rotary_parameters


def longest_unscaled(config: Any) -> int | None:
    """The longest text with unscaled factors; None if the factors do not depend on the length."""
    text = config.get_text_config(decoder=True)
    lengths = []
    for parameters in rotary_parameters(text):
        if parameters.get("rope_type") == "longrope":
            lengths.append(parameters.get("original_max_position_embeddings"))
        elif parameters.get("rope_type") == "dynamic":
            lengths.append(text.max_position_embeddings)
    return min((length for length in lengths if length), default=None)


def forget_scaling(model: PreTrainedModel) -> None:
    """Reset rotary embeddings to the factors of short texts, as after loading.

    With dynamic NTK, transformers keeps the factors of the longest text so far, also for other
    texts that are read with the same model.
    """
    for module in model.modules():
        rotary: Any = module
        if hasattr(rotary, "original_max_seq_len") and hasattr(rotary, "max_seq_len_cached"):
            rotary.max_seq_len_cached = rotary.original_max_seq_len
            for name in [name for name, _ in rotary.named_buffers(recurse=False)]:
                original = getattr(rotary, name.replace("inv_freq", "original_inv_freq"), None)
                if name.endswith("inv_freq") and "original" not in name and original is not None:
                    getattr(rotary, name).copy_(original)
