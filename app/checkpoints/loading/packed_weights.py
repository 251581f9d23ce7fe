"""Packed weights: a prepacked copy of linear weights for short blocks on a CPU.

A single token reads every weight once, so its speed is bound by memory bandwidth. torch's
bfloat16 kernels reach half of that bandwidth; its float16 kernels are fast for one token and slow
for blocks. FBGEMM's kernel reaches nearly all of it from one token to a block of 16, with float16
weights, which hold the usual range of bfloat16 exactly, and float32 activations and sums.
Measured in docs/performance.md. Long blocks, such as prompts, use the weights as loaded: they are
bound by arithmetic, where bfloat16 is faster.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from app.checkpoints.devices import cpu_has_bfloat16
from app.errors import Cancelled

FEW_ROWS = 24
"""Blocks up to this many tokens use the packed weights."""
_ENGINES = ("fbgemm", "x86")  # torch's names for FBGEMM
_HALVES = (torch.bfloat16, torch.float16)
_CHUNK = 1 << 24  # weights that are packed at once, from a copy in float32
_LARGEST = torch.finfo(torch.float16).max
_CPU = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)


class PackedLinear(nn.Linear):
    """A linear layer with float32 input and output that holds both copies of its weight.

    Args:
        linear: The layer whose weight and bias are used for long blocks.
        packed: The packed copy of that weight, used for short blocks.
    """

    def __init__(self, linear: nn.Linear, packed: _Packed) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.packed = packed
        fast = linear.weight.dtype is torch.bfloat16 and cpu_has_bfloat16()
        self._most = FEW_ROWS * self.in_features if fast else sys.maxsize
        self.train(linear.training)

    def forward(self, input: Tensor) -> Tensor:
        if input.numel() <= self._most:
            output = self.packed(input.float())
        else:
            output = functional.linear(input.to(self.weight.dtype), self.weight).float()
        return output if self.bias is None else output.add_(self.bias)


class _Packed:
    """A packed weight, shared by copies of a model."""

    def __init__(self, parts: Sequence[Any], nbytes: int) -> None:
        self._parts = tuple(parts)
        self.nbytes = nbytes

    def __call__(self, values: Tensor) -> Tensor:
        # Straight to the kernel: for packed weights torch.ops takes 9 µs of Python before it.
        kernel = torch.ops.quantized.linear_dynamic_fp16.default.redispatch
        outputs = [kernel(_CPU, values, part) for part in self._parts]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Packed:
        return self


def pack_models(
    models: Iterable[PreTrainedModel],
    room: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Add packed weights to the linear layers of ``models``, as far as memory allows.

    A packed model computes in float32, whatever the dtype of its weights. A model is left unchanged
    if it is packed already, is not on a CPU, is in float32 or quantized, or has matrices outside of
    linear layers and embeddings (mixtures of experts, convolutions).

    Args:
        models: The models, the most important first.
        room: Bytes that may be used, permanently or while packing.
        on_progress: Called with bytes done and total bytes.
        cancelled: Called for every layer.

    Returns:
        Bytes of the packed weights.

    Raises:
        Cancelled: ``cancelled`` returned true; no model has been changed.
    """
    if torch.backends.quantized.engine not in _ENGINES:  # such as on ARM
        return 0
    workers = torch.get_num_threads()  # FBGEMM packs on one thread
    plan = _plan(models, room - workers * _CHUNK * 4)
    weights = {key: weight for _, keys in plan for key, weight in keys.items()}
    packed: dict[int, _Packed | None] = {}
    total = sum(weight.nbytes for weight in weights.values())
    done = 0
    with ThreadPoolExecutor(workers) as pool:
        parts = pool.map(lambda weight: None if cancelled() else _pack(weight), weights.values())
        for (key, weight), part in zip(weights.items(), parts, strict=True):
            packed[key] = part
            done += weight.nbytes
            on_progress(done, total)
    if cancelled():
        raise Cancelled
    used: dict[int, _Packed] = {}
    for model, keys in plan:
        mine = {key: part for key in keys if (part := packed[key])}
        if len(mine) == len(keys):
            _use(model, mine)
            used |= mine
    return sum(part.nbytes for part in used.values())


def is_packable(model: PreTrainedModel) -> bool:
    """Whether :func:`pack_models` would change ``model``, given enough memory."""
    return torch.backends.quantized.engine in _ENGINES and bool(_weights_to_pack(model))


def packed_weights(model: nn.Module) -> Iterator[_Packed]:
    """The packed weights of ``model``; copies of a model share them."""
    for module in model.modules():
        if isinstance(module, PackedLinear):
            yield module.packed


def _plan(
    models: Iterable[PreTrainedModel], room: int
) -> list[tuple[PreTrainedModel, dict[int, Tensor]]]:
    """The models to pack, with the weights of each by identity."""
    plan = []
    counted = set[int]()  # models may share weights
    for model in models:
        weights = _weights_to_pack(model)
        size = sum(2 * weight.numel() for key, weight in weights.items() if key not in counted)
        if weights and size <= room:
            room -= size
            counted |= weights.keys()
            plan.append((model, weights))
    return plan


def _weights_to_pack(model: PreTrainedModel) -> dict[int, Tensor]:
    """Weights of the linear layers by identity; empty if the model is left unchanged."""
    linear = {id(m.weight): m.weight for m in model.modules() if type(m) is nn.Linear}
    known = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)} | linear.keys()
    if any(tensor.device.type != "cpu" for tensor in (*model.parameters(), *model.buffers())):
        return {}
    if any(tensor.ndim > 1 and id(tensor) not in known for tensor in model.parameters()):
        return {}
    return {key: weight for key, weight in linear.items() if weight.dtype in _HALVES}


def _pack(weight: Tensor) -> _Packed | None:
    """The packed weight, or None where float16 cannot hold its values."""
    rows = max(1, _CHUNK // weight.shape[1])
    with torch.inference_mode():  # which is a state of each thread
        lowest, highest = torch.aminmax(weight)
        if not (float(lowest) >= -_LARGEST and float(highest) <= _LARGEST):  # NaN is not
            return None
        parts = [
            torch.ops.quantized.linear_prepack_fp16(part.float(), None)
            for part in weight.split(rows)
        ]
    return _Packed(parts, 2 * weight.numel())


def _use(model: PreTrainedModel, packed: dict[int, _Packed]) -> None:
    """Replace the linear layers, and make everything between them compute in float32."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear and id(child.weight) in packed:
                setattr(parent, name, PackedLinear(child, packed[id(child.weight)]))
            elif isinstance(child, nn.Embedding):
                child.register_forward_hook(_in_float32)
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.ndim <= 1 and parameter.dtype in _HALVES:
                # Not in place: an adapted copy that stays as it is may share the tensor.
                setattr(module, name, nn.Parameter(parameter.float(), requires_grad=False))


def _in_float32(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
    return output.float()
