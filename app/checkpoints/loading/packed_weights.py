"""A second copy of the weights of linear layers, packed for reading few tokens at a time on a CPU.

One token reads every weight once, so memory sets the pace. The kernels for bfloat16 reach half of
what memory gives, and those for float16 are as slow for blocks as they are fast for one token.
FBGEMM's reach nearly all of it from one token to a block of 16: weights in float16, which holds the
usual range of bfloat16 exactly, with activations and sums in float32. Measured in
docs/performance.md. Long blocks, such as prompts, are computed with the weights as they were
loaded: there, arithmetic sets the pace, and bfloat16 has the faster one.
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

from app.errors import Cancelled

FEW_ROWS = 24
"""Up to this many tokens at once, the packed weights are the faster ones."""
_ENGINES = ("fbgemm", "x86")  # torch's names for FBGEMM
_HALVES = (torch.bfloat16, torch.float16)
_CHUNK = 1 << 24  # weights that are packed at once, from a copy in float32
_LARGEST = torch.finfo(torch.float16).max
_CPU = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)


class PackedLinear(nn.Linear):
    """A linear layer from float32 to float32 with both copies of its weights.

    Args:
        linear: Whose weight and bias it keeps.
        packed: Its weight once more.
    """

    def __init__(self, linear: nn.Linear, packed: _Packed) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.packed = packed
        fast = linear.weight.dtype is torch.bfloat16 and _has_bfloat16()
        self._most = FEW_ROWS * self.in_features if fast else sys.maxsize
        self.train(linear.training)

    def forward(self, input: Tensor) -> Tensor:
        if input.numel() <= self._most:
            output = self.packed(input.float())
        else:
            output = functional.linear(input.to(self.weight.dtype), self.weight).float()
        return output if self.bias is None else output.add_(self.bias)


class _Packed:
    """Packed weights, which copies of a model share."""

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
    """Give the linear layers of ``models`` packed weights, as far as there is room for them.

    From then on such a model computes in float32, whatever its weights are stored in. A model that
    has them already, that is not on a CPU, in float32 or quantised, or that keeps matrices outside
    of linear layers and embeddings (mixtures of experts, convolutions) stays as it is.

    Args:
        models: The most important first.
        room: Bytes that may be taken, for good or while packing.
        on_progress: Called with bytes done and bytes in all.
        cancelled: Asked for every layer.

    Returns:
        Bytes of the packed weights.

    Raises:
        Cancelled: When ``cancelled`` says so; no model has been changed then.
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
    """Whether :func:`pack_models` would change ``model``, where there is room."""
    return torch.backends.quantized.engine in _ENGINES and bool(_weights_to_pack(model))


def packed_weights(model: nn.Module) -> Iterator[_Packed]:
    """The packed weights that ``model`` has; copies of a model have the same."""
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
    """Weights of the linear layers by identity; none where the model has to stay as it is."""
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
    """Replace the linear layers, and let everything between them compute in float32."""
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


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 faster than float32."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
