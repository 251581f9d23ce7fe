"""Rotary embeddings whose factors depend on how long the text is.

Past a certain length, longrope (Phi-3) turns from short to long factors, and dynamic NTK has others
for every length.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from app.decoding.context_limit import rotary_parameters


def longest_unscaled(config: Any) -> int | None:
    """The longest text with the factors of short ones; None where they are the same for all."""
    text = config.get_text_config(decoder=True)
    lengths = []
    for parameters in rotary_parameters(text):
        if parameters.get("rope_type") == "longrope":
            lengths.append(parameters.get("original_max_position_embeddings"))
        elif parameters.get("rope_type") == "dynamic":
            lengths.append(text.max_position_embeddings)
    return min((length for length in lengths if length), default=None)


def forget_scaling(model: PreTrainedModel) -> None:
    """Let rotary embeddings begin with the factors of short texts, as after loading.

    Those of dynamic NTK would keep what they had for a longer text, of whichever reader.
    """
    for module in model.modules():
        rotary: Any = module
        if hasattr(rotary, "original_max_seq_len") and hasattr(rotary, "max_seq_len_cached"):
            rotary.max_seq_len_cached = rotary.original_max_seq_len
            for name in [name for name, _ in rotary.named_buffers(recurse=False)]:
                original = getattr(rotary, name.replace("inv_freq", "original_inv_freq"), None)
                if name.endswith("inv_freq") and "original" not in name and original is not None:
                    getattr(rotary, name).copy_(original)
