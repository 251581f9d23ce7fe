"""Reads the weights of one model, with quantization, placement, progress and errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PretrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from app.checkpoints.checkpoint_errors import first_line, unknown_model
from app.checkpoints.devices import is_out_of_memory, out_of_memory
from app.checkpoints.formats.transformers_log import quiet
from app.checkpoints.loading.loaded_weights import HeldPart
from app.checkpoints.loading.packed_weights import packed_weights
from app.checkpoints.loading.placement import Placement, compute_dtype, place
from app.checkpoints.opening import OpenedRole
from app.checkpoints.quantization_check import name_of_quantization
from app.errors import Cancelled, CheckpointError, DeviceError, NotDownloadedError, TuneshiftError

_PACKED_ROWS = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class TransformersWeights:
    """A model of transformers in memory, and the settings in force.

    Attributes:
        model: The model, ready for forward passes.
        dtype: The dtype of the weights that are not quantized, such as ``bfloat16``.
        quantization: ``none``, ``int8``, ``nf4``, or what the checkpoint was quantized with.
        offloaded: Share of the weights that stays in main memory, from 0 to 1.
        original: The model as transformers made it, over the same tensors as ``model``, which may
            have been changed to be faster; the same object if it has not.
    """

    model: PreTrainedModel
    dtype: str
    quantization: str
    offloaded: float
    original: PreTrainedModel | None = None

    @property
    def gpu_layers(self) -> int:
        return 0

    @property
    def parameters(self) -> int:
        return int(self.model.num_parameters())

    @property
    def eos_ids(self) -> list[object]:
        generation = self.model.generation_config
        ids: list[object] = [] if generation is None else [generation.eos_token_id]
        return [_own_eos_id(self.model.config), *ids]

    def parts(self) -> Iterator[HeldPart]:
        for tensor in (*self.model.parameters(), *self.model.buffers()):
            yield HeldPart(id(tensor), str(tensor.device), tensor.nbytes)

    def packed(self) -> dict[int, int]:
        return {id(part): part.nbytes for part in packed_weights(self.model)}


def load_weights(
    role: OpenedRole,
    device: str,
    on_progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
    *,
    for_training: bool = False,
) -> TransformersWeights:
    """Load the model of ``role``, without its adapter.

    Args:
        role: The opened role.
        device: The device to load to.
        on_progress: Called with bytes done and total bytes as weights are read.
        cancelled: Called for every tensor.
        for_training: Whether gradients are to flow through the model.

    Raises:
        CheckpointError: The weights are missing or do not fit the configuration.
        DeviceError: The device does not support the request, or has not enough memory.
        Cancelled: ``cancelled`` returned true.
    """
    files = role.files
    if not files.weights:
        raise NotDownloadedError(role.spec.source)
    total = files.weight_bytes

    def report(done: int) -> None:
        if cancelled():
            raise Cancelled
        on_progress(done, total)

    report(0)
    placement = place(role, device)
    try:
        with _watched(report, {tensor.name: tensor.size for tensor in files.tensors}):
            model, info = _read(role, placement)
    except Cancelled:
        raise
    except Exception as error:  # the library raises many kinds for files it cannot use
        log.info("loading failed", exc_info=error)
        raise _explain(error, role, device) from error
    _check_complete(role, info)
    if role.spec.quantization == "nf4" and device == "cpu":
        _check_blocks(role, model)
    if role.spec.quantization != "none":
        _let_go_of_files(model)
    # Packed layers compute in bfloat16, whatever was asked for.
    as_they_are = for_training or compute_dtype(role) == torch.float32
    _avoid_packing(model, everywhere=as_they_are)
    if role.spec.quantization == "nf4" and device == "cpu" and not as_they_are:
        _pack(model)
    report(total)
    dtype = str(model.dtype).removeprefix("torch.")
    return TransformersWeights(model.eval(), dtype, _quantization_of(model), placement.offloaded)


def _read(role: OpenedRole, placement: Placement) -> tuple[PreTrainedModel, dict[str, Any]]:
    spec = role.spec
    quantization = _quantization(role, placement)
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        role.files.folder,
        dtype=spec.dtype if spec.dtype == "auto" else getattr(torch, spec.dtype),
        device_map=placement.device_map,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # they are named by _check_complete
        output_loading_info=True,
        # given as None, it would make transformers forget what the checkpoint was quantized with
        **({} if quantization is None else {"quantization_config": quantization}),
    )
    return loaded[0], loaded[1]


def _quantization(role: OpenedRole, placement: Placement) -> BitsAndBytesConfig | None:
    offloads = placement.offloaded > 0  # the layers in main memory stay as they are
    if role.spec.quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_enable_fp32_cpu_offload=offloads)
    if role.spec.quantization == "nf4":
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=compute_dtype(role),
            llm_int8_enable_fp32_cpu_offload=offloads,
        )
    return None


def _check_blocks(role: OpenedRole, model: PreTrainedModel) -> None:
    """Refuse weights that bitsandbytes rounds wrongly on a CPU.

    Where a row is not a whole number of blocks, ``quantize_4bit`` of bitsandbytes 0.50 mixes the
    scales of blocks up on a CPU: the error is up to four times that of NF4, without a word.
    """
    for name, module in model.named_modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        if state is not None and state.shape[1] % state.blocksize:
            raise DeviceError(
                f"nf4 quantization of the {role.name} is not accurate on the CPU",
                evidence=f"{name} has rows of {state.shape[1]:,} weights, which is not a multiple "
                f"of {state.blocksize}",
                next_step="Set the quantization to none or int8, or choose another device.",
            )


def _let_go_of_files(model: PreTrainedModel) -> None:
    """Copy tensors that are views of a mapped file and would keep the whole file in memory."""
    for parameter in model.parameters():
        if parameter.device.type == "cpu" and parameter.is_floating_point():  # not quantized
            parameter.data = parameter.data.clone()


def _avoid_packing(model: PreTrainedModel, *, everywhere: bool) -> None:
    """Keep bitsandbytes from packing 4-bit layers for AVX512 whose shapes it cannot pack.

    bitsandbytes does not check the shapes, and would fail at the first token. Through packed
    weights flows no gradient, of which torch only warns: none are packed for a training.
    """
    for module in model.modules():
        layer: Any = module
        state = getattr(getattr(layer, "weight", None), "quant_state", None)
        if getattr(layer, "support_avx512bf16_for_cpu", False) and state is not None:
            rows, columns = state.shape
            if everywhere or rows % _PACKED_ROWS or columns % state.blocksize:
                layer.support_avx512bf16_for_cpu = False


def _pack(model: PreTrainedModel) -> None:
    """Make bitsandbytes pack every layer now, one by one, instead of at the first token."""
    with torch.no_grad():
        model.eval()(torch.zeros((1, 1), dtype=torch.int64))


def _quantization_of(model: PreTrainedModel) -> str:
    stored = getattr(model.config, "quantization_config", None)
    return "none" if stored is None else name_of_quantization(stored)


def _own_eos_id(config: PretrainedConfig) -> object:
    """The end-of-sequence ids of a configuration, or of its text model if it is multimodal."""
    text = config.get_text_config(decoder=True)
    return getattr(config, "eos_token_id", getattr(text, "eos_token_id", None))


def _check_complete(role: OpenedRole, info: dict[str, Any]) -> None:
    wrong = sorted([*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])])
    if wrong:
        raise CheckpointError(
            f"The weights in {role.files.folder} do not fit its configuration",
            evidence=f"{len(wrong)} tensors are missing or of another shape, such as {wrong[0]}",
            next_step="Download or copy the checkpoint again.",
        )


def _explain(error: Exception, role: OpenedRole, device: str) -> TuneshiftError:
    if is_out_of_memory(error):
        return out_of_memory(f"loading the {role.name}", device, role.files.weight_bytes, error)
    if role.spec.quantization != "none" and isinstance(error, ImportError | NotImplementedError):
        return DeviceError(
            f"{role.spec.quantization} quantization of the {role.name} does not work on {device}",
            evidence=first_line(error),
            next_step="Set the quantization to none, or choose another device.",
        )
    return unknown_model(role.files.folder, error)


@contextmanager
def _watched(report: Callable[[int], None], sizes: Mapping[str, int]) -> Iterator[None]:
    """Redirect the progress bar of transformers to ``report``, which may raise to cancel.

    Args:
        report: Receives the number of bytes loaded.
        sizes: Bytes of each tensor, by its name in the weight files.
    """
    total = sum(sizes.values())

    def bar(factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterable[Any]:
        items = list(args[0] if args else kwargs["iterable"])

        def steps() -> Generator[Any, None, None]:
            done = 0
            for item in items:
                report(min(done, total))
                yield item
                done += _size_of(item, sizes, total // max(1, len(items)))

        return steps()

    previous = transformers_logging.set_tqdm_hook(bar)
    try:
        with quiet():
            yield
    finally:
        transformers_logging.set_tqdm_hook(previous)


def _size_of(item: Any, sizes: Mapping[str, int], otherwise: int) -> int:
    """Bytes of one step of the bar: of the named parameter, or the average."""
    name = item[0] if isinstance(item, tuple) and item else item
    if not isinstance(name, str):
        return otherwise
    return sizes.get(name, sizes.get(name.partition(".")[2], otherwise))
