"""Hardware limits: bytes read from memory for each token, and the bandwidth of the memory."""

from __future__ import annotations

import sys
import time

import psutil
import torch

from app.benchmark.setup import Setup
from app.benchmark.ways import synchronize
from app.checkpoints.formats.gguf import read_header
from app.checkpoints.loading.packed_weights import PackedLinear
from app.checkpoints.memory.measured_footprint import measure_footprint
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel

_BYTES = 1 << 29
_PASSES = 7


def bandwidth(device: torch.device) -> float:
    """Memory bandwidth in bytes per second: the fastest of several sums over half a gigabyte."""
    values = torch.ones(_BYTES // 8, dtype=torch.int64, device=device)
    seconds = []
    for _ in range(_PASSES):
        synchronize(device)
        started = time.perf_counter()
        values.sum()
        synchronize(device)
        seconds.append(time.perf_counter() - started)
    return _BYTES / min(seconds)


def bytes_per_token(setup: Setup, length: int) -> int:
    """Bytes of weights and KV cache that one token of all model contexts reads.

    Args:
        setup: The models.
        length: The number of tokens in every KV cache.
    """
    by_transformers = sum(
        _weights_read(model) + _cache_read(model, length) for model in setup.language_models
    )
    by_llama = sum(
        _tensors_read(model) + round(model.cache_bytes * length)
        for model in setup.ensemble.models
        if isinstance(model, LlamaCppLanguageModel)
    )
    return by_transformers + by_llama


def peak_memory(device: torch.device) -> int:
    """Peak memory so far, in bytes: of the accelerator, or of the process on a CPU and MPS."""
    if device.type not in ("cpu", "mps"):
        return int(torch.accelerator.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024


def _weights_read(model: TransformersLanguageModel) -> int:
    """Bytes of all parameters but an untied embedding, of which a token reads a single row."""
    output = model.model.get_output_embeddings()
    skipped = model.model.get_input_embeddings().weight
    tied = output is not None and output.weight is skipped
    read = sum(p.nbytes for p in model.model.parameters() if tied or p is not skipped)
    return int(read)


def _tensors_read(model: LlamaCppLanguageModel) -> int:
    """Bytes of all tensors of a GGUF file but an untied embedding."""
    header = read_header(model.weights.files[0], by_llama=True)
    stored = {tensor.name: tensor.size for tensor in header.stored}
    skipped = stored["token_embd.weight"] if "output.weight" in stored else 0
    return model.weights.size - skipped


def _cache_read(model: TransformersLanguageModel, length: int) -> int:
    packed = any(isinstance(module, PackedLinear) for module in model.model.modules())
    size = 4 if packed else model.model.dtype.itemsize
    return measure_footprint(model.model.config).cache * length * size
