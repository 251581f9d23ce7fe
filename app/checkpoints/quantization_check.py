"""Check that quantized weights can be loaded: those of a checkpoint, and those of a recipe."""

from __future__ import annotations

from typing import Any

import torch
from transformers.quantizers.auto import AutoHfQuantizer

from app.checkpoints.devices import resolve_device
from app.checkpoints.sources import CheckpointFiles
from app.checkpoints.spec import CheckpointSpec
from app.errors import CheckpointError, DeviceError

_PACKAGES = {
    "aqlm": "'aqlm[cpu,gpu]'",
    "auto-round": "auto-round",
    "awq": "gptqmodel",
    "bitsandbytes": "bitsandbytes",
    "compressed-tensors": "compressed-tensors",
    "eetq": "kernels",
    "fbgemm_fp8": "fbgemm-gpu",
    "gptq": "optimum gptqmodel",
    "hqq": "hqq",
    "quanto": "optimum-quanto",
    "quark": "amd-quark",
    "spqr": "'spqr_quant[gpu]'",
    "torchao": "torchao",
    "vptq": "vptq",
}
"""The pip packages that transformers needs, by quantization method of the checkpoint."""

_BY_BITSANDBYTES = (".SCB", ".quant_state.")
_ANOTHER = "Choose a version of the model that is not quantized, or a GGUF file."


def check_quantization(
    name: str, spec: CheckpointSpec, stored: Any, files: CheckpointFiles
) -> None:
    """Check that a role's quantization can be loaded on its device.

    The load has no further conditions: a checkpoint that passes can be loaded.

    Args:
        name: The name of the role.
        spec: The checkpoint in the recipe, with its device and quantization.
        stored: The ``quantization_config`` of the checkpoint; None if it is not quantized.
        files: The files of the checkpoint.

    Raises:
        CheckpointError: The stored quantization cannot be loaded here, or the recipe quantizes a
            checkpoint that is quantized already.
        DeviceError: The device does not exist, or does not support the quantization.
    """
    if stored is not None:
        _check_stored(name, _table(stored), resolve_device(spec.device), files)
    if spec.quantization != "none":
        if stored is not None:
            raise CheckpointError(
                f"The checkpoint of the {name} is quantized already",
                evidence=f"it is stored in {name_of_quantization(stored)}",
                next_step="Set its quantization to none: it is loaded as it is stored.",
            )
        _check_asked(spec.quantization, resolve_device(spec.device))


def name_of_quantization(stored: Any) -> str:
    """The name of the quantization in the configuration of a checkpoint."""
    values = _table(stored)
    if values.get("load_in_8bit"):
        return "int8"
    if values.get("load_in_4bit"):
        return str(values.get("bnb_4bit_quant_type", "4-bit"))
    method = values.get("quant_method", "unknown")
    return str(getattr(method, "value", method))


def is_dequantized(stored: Any, device: str) -> bool:
    """Whether stored weights are dequantized when they are loaded, as FP8 is without a GPU.

    Args:
        stored: The ``quantization_config`` of a checkpoint that passed
            :func:`check_quantization`; None if it is not quantized.
        device: The device to load to.
    """
    if stored is None:
        return False
    quantizer = AutoHfQuantizer.from_config(_table(stored), pre_quantized=True)
    quantizer.validate_environment(device_map={"": device}, weights_only=True)
    return bool(getattr(quantizer.quantization_config, "dequantize", False))


def _table(stored: Any) -> dict[str, Any]:
    values: dict[str, Any] = stored if isinstance(stored, dict) else stored.to_dict()
    return values


def _check_stored(name: str, stored: dict[str, Any], device: str, files: CheckpointFiles) -> None:
    method = name_of_quantization(stored)
    try:
        if not AutoHfQuantizer.supports_quant_method(stored):
            raise CheckpointError(
                f"The checkpoint of the {name} is quantized in a way that transformers cannot read",
                evidence=f"it is {method}",
                next_step=_ANOTHER,
            )
        quantizer = AutoHfQuantizer.from_config(stored, pre_quantized=True)
        quantizer.validate_environment(device_map={"": device}, weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # the quantizers raise many kinds
        raise _cannot_load(name, method, error) from error
    if stored.get("load_in_8bit") or stored.get("load_in_4bit"):
        names = [tensor.name for tensor in files.tensors]
        if names and not any(part in each for each in names for part in _BY_BITSANDBYTES):
            raise CheckpointError(
                f"The weights of the {name} are not quantized as its configuration says",
                evidence=f"it says {method}, and no weight file holds scales of bitsandbytes",
                next_step="Download or copy the checkpoint again.",
            )


def _cannot_load(name: str, method: str, error: Exception) -> CheckpointError:
    """The error for stored weights that need a library or a device that is not here."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    package = _PACKAGES.get(method)
    missing = isinstance(error, ImportError) and package is not None and "GPU" not in lines[0]
    return CheckpointError(
        f"The checkpoint of the {name} is quantized in a way that cannot be loaded here",
        evidence=f"{method}: {lines[0]}",
        next_step=f"Install what it needs: pip install {package}. {_ANOTHER}"
        if missing
        else _ANOTHER,
    )


def _check_asked(asked: str, device: str) -> None:
    import bitsandbytes

    kind = torch.device(device).type
    if kind not in bitsandbytes.supported_torch_devices:
        raise DeviceError(
            f"{asked} quantization is not available on {device}",
            evidence=f"bitsandbytes {bitsandbytes.__version__} supports "
            f"{', '.join(sorted(bitsandbytes.supported_torch_devices))}",
            next_step="Set the quantization to none, or choose another device.",
        )
