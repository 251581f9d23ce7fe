"""A trial of a GGUF file: everything that llama.cpp does with it for the first time.

It ends its process where the library stops at a file that it did not expect, so it belongs in a
process of its own (``app.checkpoints.loading.trial_load``). It imports no torch, which is slow.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

from app.decoding.llama_cpp.library import collected_errors, library
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from app.errors import CheckpointError

_CAPACITY = 64
_BLOCKS = (8, 1)  # a block and a single token take other ways through the library


def compute_once(files: Sequence[Path]) -> None:
    """Load a model, read a few tokens with it and forget it.

    Args:
        files: The GGUF file, or all parts of a split one in order.

    Raises:
        CheckpointError: The model cannot be read or computed.
        DeviceError: The library is missing.
    """
    llama = library()
    weights = LlamaCppWeights.open(files)
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = _CAPACITY
    with collected_errors() as errors:
        context = llama.llama_init_from_model(weights.pointer, parameters)
        status = -1
        for count in _BLOCKS if context else ():
            tokens = (ctypes.c_int32 * count)(
                *(id_ % weights.vocabulary_size for id_ in range(count))
            )
            status = llama.llama_decode(context, llama.llama_batch_get_one(tokens, count))
            if status:
                break
    if context:
        llama.llama_free(context)
    weights.close()
    if status:
        raise CheckpointError(
            f"llama.cpp cannot compute {files[0].name}",
            evidence=errors[0] if errors else f"status {status}",
            next_step="Download or copy it again.",
        )
