"""Models with a LoRA adapter that share their other weights with the model they adapt."""

from __future__ import annotations

import copy
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from app.checkpoints.formats.adapter_layers import attach_adapter
from app.checkpoints.formats.adapters import AdapterFiles


def adapted(model: PreTrainedModel, adapter: AdapterFiles) -> PreTrainedModel:
    """A model with the adapter that shares all weights of ``model``; ``model`` is not changed.

    Raises:
        CheckpointError: The adapter does not fit the model.
    """
    copied = twin(model)
    attach_adapter(copied, adapter, load_file(adapter.weights))
    copied.requires_grad_(False)
    copied.eval()
    return copied


def twin(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of the modules of ``model`` that shares its tensors."""
    shared: list[Any] = [*model.parameters(), *model.buffers()]
    for module in model.modules():
        shared += [*_tensors_of_int8(module), *_state_of_4_bits(module)]
    return copy.deepcopy(model, {id(part): part for part in shared})


def _tensors_of_int8(module: torch.nn.Module) -> list[Tensor]:
    """The tensors that bitsandbytes stores in an int8 layer beside its parameters."""
    layer: Any = module
    kind = type(module)
    # Importing bitsandbytes is slow, so its class is known by name; PEFT has one of the same name.
    if kind.__name__ != "Linear8bitLt" or not kind.__module__.startswith("bitsandbytes."):
        return []
    if layer.weight.CB is not None:  # bitsandbytes moves it to the state once, at the first use
        layer.init_8bit_state()
    return [tensor for tensor in (layer.state.CB, layer.state.SCB) if tensor is not None]


def _state_of_4_bits(module: torch.nn.Module) -> list[Any]:
    """The quantization states of a 4-bit layer, which bitsandbytes stores at weight and layer."""
    layer: Any = module
    states = (
        layer.__dict__.get("quant_state"),
        getattr(layer._parameters.get("weight"), "quant_state", None),
    )
    return [state for state in states if state is not None]
