"""The engine that reads a role: the one that its recipe names, or one that suits its file."""

from __future__ import annotations

from app.checkpoints.engine_options import LLAMA_CPP, TRANSFORMERS
from app.checkpoints.spec import CheckpointSpec
from app.decoding.llama_cpp.library import is_built_with
from app.errors import CheckpointError
from app.extras import install_hint, is_installed

EXTRA = "llama"
_CUDA = "cuda"
_DEVICES_OF_TORCH = (_CUDA, "mps", "xpu")


def engine_of(spec: CheckpointSpec) -> str:
    """``llama.cpp`` or ``transformers``; of ``auto``, llama.cpp where it can read the role.

    Settings that are transformers' own (a dtype, a quantization while loading, offload, a device
    that only torch has) choose transformers, and so does an adapter of safetensors. An adapter in
    GGUF format needs llama.cpp.
    """
    if spec.engine != "auto":
        return spec.engine
    suits = spec.is_gguf and not _only_of_transformers(spec)
    return LLAMA_CPP if suits and is_installed(EXTRA) else TRANSFORMERS


def may_be_device_of(device: str, engine: str) -> bool:
    """Whether a device may be one of an engine, by its name alone."""
    if device in ("auto", "cpu"):
        return True
    if engine == TRANSFORMERS:
        return device.startswith(_DEVICES_OF_TORCH)
    return not _is_of_torch_alone(device)


def would_suit_llama(spec: CheckpointSpec) -> bool:
    """Whether llama.cpp would read the role if it were installed, and is not."""
    suits = spec.is_gguf and spec.engine == "auto" and not _only_of_transformers(spec)
    return suits and not is_installed(EXTRA)


def check_engine(name: str, spec: CheckpointSpec) -> None:
    """Check that the engine that the recipe names for a role can read it.

    Args:
        name: The name of the role.
        spec: The role.

    Raises:
        CheckpointError: It cannot, or is not installed.
    """
    if spec.is_gguf_adapter:
        _check_gguf_adapter(name, spec)
    if spec.engine != LLAMA_CPP:
        return
    if not spec.is_gguf:
        raise CheckpointError(
            f"llama.cpp cannot read the {name}",
            evidence=f"{spec.source} is not a GGUF file",
            next_step="Set its engine to auto, or choose a GGUF file.",
        )
    wrong = _only_of_transformers(spec)
    if wrong:
        raise CheckpointError(
            f"llama.cpp cannot read the {name} in this way",
            evidence=f"{wrong} is for the engine transformers",
            next_step="Set its engine to auto or transformers, or remove that setting.",
        )
    if not is_installed(EXTRA):
        raise CheckpointError(
            f"The engine of the {name}, llama.cpp, is not installed",
            next_step=f"{install_hint(EXTRA)}. Or set its engine to auto.",
        )


def _check_gguf_adapter(name: str, spec: CheckpointSpec) -> None:
    if not spec.is_gguf:
        raise CheckpointError(
            f"The adapter of the {name} is a GGUF file, and the model under it is not",
            evidence=f"{spec.source} is over {spec.over}",
            next_step="Set “over” to the GGUF file of that model, or choose the adapter's folder "
            "with adapter_model.safetensors.",
        )
    wrong = "the engine transformers" if spec.engine == TRANSFORMERS else ""
    if wrong := wrong or _only_of_transformers(spec):
        raise CheckpointError(
            f"Only llama.cpp can apply the adapter of the {name}",
            evidence=f"{spec.source} is a GGUF file, and {wrong} is set",
            next_step="Set the engine to auto, and remove settings of transformers.",
        )
    if not is_installed(EXTRA):
        raise CheckpointError(
            f"The adapter of the {name} needs llama.cpp, which is not installed",
            evidence=f"{spec.source} is a GGUF file",
            next_step=f"{install_hint(EXTRA)}.",
        )


def _only_of_transformers(spec: CheckpointSpec) -> str:
    """A setting of the role that only transformers has, or an empty text."""
    if spec.source.startswith("adapter:") and not spec.is_gguf_adapter:
        return "an adapter of safetensors"
    if spec.quantization != "none":
        return f"the quantization {spec.quantization}"
    if spec.dtype != "auto":
        return f"the dtype {spec.dtype}"
    if _is_of_torch_alone(spec.device):
        return f"the device {spec.device}"
    return "offload" if spec.offload else ""


def _is_of_torch_alone(device: str) -> bool:
    """Whether llama.cpp, as it was built, has no device of that name."""
    if device.startswith(_CUDA) and is_installed(EXTRA):
        return not is_built_with(_CUDA)
    return device.startswith(_DEVICES_OF_TORCH)
