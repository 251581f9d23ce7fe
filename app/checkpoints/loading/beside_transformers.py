"""The difference between the engines for one small GGUF file: llama.cpp beside transformers."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.initialization import no_init_weights

from app.checkpoints.devices import free_bytes
from app.checkpoints.formats.gguf_llama_config import LlamaCppConfig
from app.checkpoints.formats.gguf_metadata import UnusableError
from app.checkpoints.formats.gguf_parts import read_parts
from app.checkpoints.formats.gguf_weights import dequantized_weights
from app.checkpoints.loading.role_configuration import full_configuration
from app.checkpoints.opening import OpenedRole
from app.checkpoints.proof.logit_difference import difference
from app.checkpoints.proof.proof_report import Difference
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.errors import Cancelled

LARGEST = 600_000_000
"""Bytes of weights in float32; larger models are not compared, since it would take too long."""
TEXT = (
    "The old bridge over the river was closed in the spring, because the water had risen for "
    "three days. People who lived on the other side had to walk to the mill, where a boat waited "
    "for them in the morning and in the evening."
)

log = logging.getLogger(__name__)


def difference_of_engines(
    role: OpenedRole, model: LlamaCppLanguageModel, cancelled: Callable[[], bool]
) -> Difference | None:
    """How far rows of llama.cpp are from those of transformers on the dequantized weights.

    Both read :data:`TEXT`. The row after the first token is left out (docs/llama-cpp.md). The model
    of an adapter is compared where it has a role of its own.

    Args:
        role: The role.
        model: Its language model.
        cancelled: Called for every tensor.

    Returns:
        The difference, or None if the model is large, memory is short, or transformers lacks
        the architecture.

    Raises:
        Cancelled: ``cancelled`` returned true.
    """
    size = 4 * model.weights.parameters
    ids = torch.tensor(role.tokenizer.encode(TEXT)[: model.context_length])
    if isinstance(role.config, LlamaCppConfig):  # whose architecture transformers lacks
        return None
    if role.files.adapter or size > LARGEST or 2 * size > free_bytes("cpu") or len(ids) < 2:
        return None
    try:
        reference = _rows_of_transformers(role, ids, cancelled)
    except (UnusableError, RuntimeError) as error:
        log.info("%s: not compared with transformers: %s", role.name, error)
        return None
    reader = model.another()
    rows = reader.extend(ids, len(ids))
    reader.release()
    columns = min(rows.shape[1], reference.shape[1])
    return difference(rows[1:, :columns], reference[1:, :columns])


def _rows_of_transformers(role: OpenedRole, ids: Tensor, cancelled: Callable[[], bool]) -> Tensor:
    contents = read_parts(role.files.weights[0], everything=True)
    config = full_configuration(role)
    with no_init_weights():
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    weights = dict[str, Tensor]()
    for name, tensor in dequantized_weights(contents, config):
        if cancelled():
            raise Cancelled
        weights[name] = tensor
    found = model.load_state_dict(weights, strict=False, assign=True)
    tied = model.all_tied_weights_keys
    for name in (*found.unexpected_keys, *(key for key in found.missing_keys if key not in tied)):
        raise UnusableError(f"the tensor “{name}” is not in both, the file and the model")
    model.tie_weights()
    model.eval()
    with torch.inference_mode():
        rows: Tensor = model(ids[None], use_cache=False).logits[0].float()
    return rows
