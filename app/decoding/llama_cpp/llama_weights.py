"""The weights of a GGUF file in memory, as llama.cpp holds them: quantized as in the file."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from app.decoding.llama_cpp.huge_pages import HugePages
from app.decoding.llama_cpp.library import collected_errors, device_pointer, library
from app.errors import Cancelled, CheckpointError, DeviceError, TuneshiftError

CPU = "cpu"
ALL_LAYERS = -1
_NO_MEMORY = "unable to allocate"


class LlamaCppWeights:
    """The weights of one model; several language models may share them.

    Use :meth:`open`. The memory is given back by :meth:`close`, or once nothing uses the weights.

    Attributes:
        files: The GGUF file, or the parts of a split one in order.
        device: ``cpu``, or the name of the device that has the layers.
        vocabulary_size: Columns of the logits.
        context_length: The longest text of the training, in tokens.
        layers: Number of layers.
        window: Number of tokens that a sliding-window layer attends to; 0 without one.
        parameters: Number of parameters.
        size: Bytes of all tensors.
        description: Architecture, size and quantization in words, such as ``qwen2 1.5B Q4_K``.
        cache_elements: Numbers that a token takes in the KV cache; 0 with a recurrent state alone.
        rewinds: Whether a text can be shortened; False with a recurrent state.
        adapters: LoRA adapters that the language models over these weights use.
    """

    def __init__(self, pointer: int, files: Sequence[Path], device: str) -> None:
        llama = library()
        self._handle = _Handle(llama, pointer)
        self.adapters: tuple[LoadedAdapter, ...] = ()
        self.files = tuple(files)
        self.device = device
        self.vocabulary_size: int = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(pointer))
        self.context_length: int = llama.llama_model_n_ctx_train(pointer)
        self.layers: int = llama.llama_model_n_layer(pointer)
        self.window: int = llama.llama_model_n_swa(pointer)
        self.parameters: int = llama.llama_model_n_params(pointer)
        self.size: int = llama.llama_model_size(pointer)
        self.description = _description(llama, pointer)
        self.cache_elements = _cache_elements(llama, pointer)
        self.rewinds = not (
            llama.llama_model_is_recurrent(pointer) or llama.llama_model_is_hybrid(pointer)
        )

    @classmethod
    def open(
        cls,
        files: Sequence[Path],
        *,
        device: str = CPU,
        gpu_layers: int = ALL_LAYERS,
        cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[float], None] = lambda share: None,
    ) -> LlamaCppWeights:
        """Read a model.

        Args:
            files: The GGUF file, or all parts of a split one in order.
            device: ``cpu``, or the library's name of another device.
            gpu_layers: How many layers that device has, from the last; all by default. The
                others are on the processor.
            cancelled: Asked often while tensors are read.
            on_progress: Called with the share that was read, from 0 to 1.

        Raises:
            CheckpointError: The file cannot be read, or is no language model.
            DeviceError: The library is missing, or has no such device.
            Cancelled: ``cancelled`` returned True.
        """
        llama = library()
        parameters = llama.llama_model_default_params()
        chosen = [] if device == CPU else [device_pointer(device)]
        pointers = (ctypes.c_void_p * (len(chosen) + 1))(*chosen, None)
        parameters.devices = ctypes.addressof(pointers)
        parameters.n_gpu_layers = gpu_layers if chosen else 0
        # Mapped pages of weights that are rearranged for the processor would stay beside them.
        parameters.load_mode = llama.LLAMA_LOAD_MODE_NONE
        progress = _Progress(cancelled, on_progress)
        parameters.progress_callback = llama.llama_progress_callback(progress.report)
        with collected_errors() as errors:
            pointer = _load(llama, files, parameters)
        progress.raise_failure()
        if not pointer:
            raise _load_failure(files[0], device, errors)
        weights = cls(pointer, files, device)
        weights._refuse_others(llama)
        return weights

    def adapted(self, adapters: Sequence[tuple[Path, float]]) -> LlamaCppWeights:
        """The same weights in memory with LoRA adapters, each a GGUF file and its scale.

        Raises:
            CheckpointError: An adapter cannot be read, or is not one of this model.
        """
        other = copy(self)
        other.adapters = tuple(self._adapter(file, scale) for file, scale in adapters)
        return other

    @property
    def pointer(self) -> int:
        """The address of the model in the library.

        Raises:
            ValueError: The weights are closed.
        """
        if self._handle.pointer is None:
            raise ValueError("the weights are closed")
        return self._handle.pointer

    @property
    def handle(self) -> object:
        """What keeps the memory: it is not given back while this is referenced."""
        return self._handle

    def close(self) -> None:
        """Give the memory back. No language model may use the weights any more."""
        self._handle.close()

    def _adapter(self, file: Path, scale: float) -> LoadedAdapter:
        llama = library()
        with collected_errors() as errors:
            pointer = llama.llama_adapter_lora_init(self.pointer, str(file).encode())
        if not pointer:
            raise CheckpointError(
                f"llama.cpp cannot use the LoRA adapter {file.name}",
                evidence=errors[0] if errors else f"with {self.description}",
                next_step="Choose an adapter in GGUF format that was made for this model.",
            )
        return LoadedAdapter(file, scale, pointer, self._handle)

    def _refuse_others(self, llama: Any) -> None:
        why = ""
        if llama.llama_model_has_encoder(self.pointer):
            why = "it has an encoder"
        elif not llama.llama_model_has_decoder(self.pointer):
            why = "it has no decoder"
        elif llama.llama_model_is_diffusion(self.pointer):
            why = "it writes by diffusion"
        if why:
            self.close()
            raise CheckpointError(
                f"{self.files[0].name} is no causal language model",
                evidence=f"{self.description}: {why}",
                next_step="Choose a model that continues a text token by token.",
            )


class LoadedAdapter:
    """A LoRA adapter in memory, freed once nothing refers to it.

    Attributes:
        file: Its GGUF file.
        scale: The factor of its change.
        pointer: Its address in the library.
    """

    def __init__(self, file: Path, scale: float, pointer: Any, weights: _Handle) -> None:
        self.file = file
        self.scale = scale
        self.pointer = pointer
        weakref.finalize(self, _free_adapter, library(), pointer, weights)


def _free_adapter(llama: Any, pointer: Any, weights: _Handle) -> None:
    if weights.pointer is not None:  # the library frees the adapters of a model with it
        llama.llama_adapter_lora_free(pointer)


class _Handle:
    """The address of a model, freed once."""

    def __init__(self, llama: Any, pointer: int) -> None:
        self.pointer: int | None = pointer
        self._free = weakref.finalize(self, llama.llama_model_free, pointer)

    def close(self) -> None:
        self.pointer = None
        self._free()


class _Progress:
    """The callback of a load: reports the progress, and stops the load if it was cancelled."""

    def __init__(self, cancelled: Callable[[], bool], on_progress: Callable[[float], None]) -> None:
        self._cancelled = cancelled
        self._on_progress = on_progress
        self._pages: HugePages | None = HugePages()
        self._failure: BaseException | None = None

    def report(self, share: float, data: int | None) -> bool:
        """Whether the load goes on; an exception cannot pass through the library."""
        try:
            if self._pages:  # the memory of the weights is reserved, and nothing was read
                self._pages.ask()
                self._pages = None
            self._on_progress(share)
            if self._cancelled():
                self._failure = Cancelled()
        except BaseException as error:
            self._failure = error
        return self._failure is None

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _load(llama: Any, files: Sequence[Path], parameters: Any) -> int | None:
    names = [str(file).encode() for file in files]
    if len(names) == 1:
        pointer: int | None = llama.llama_model_load_from_file(names[0], parameters)
    else:
        paths = (ctypes.c_char_p * len(names))(*names)
        pointer = llama.llama_model_load_from_splits(paths, len(names), parameters)
    return pointer


def _load_failure(file: Path, device: str, errors: Sequence[str]) -> TuneshiftError:
    if any(_NO_MEMORY in error for error in errors):
        return DeviceError(
            f"The memory of {device} was not enough for {file.name}",
            evidence=errors[0],
            next_step="Close other programs, or choose a smaller file."
            if device == CPU
            else "Close other programs, choose fewer GPU layers, or the device cpu.",
        )
    return CheckpointError(
        f"llama.cpp cannot read {file.name}",
        evidence=errors[0] if errors else "it gives no reason",
        next_step="Check that the file is complete, or download it again.",
    )


def _description(llama: Any, pointer: int) -> str:
    buffer = ctypes.create_string_buffer(256)
    llama.llama_model_desc(pointer, buffer, len(buffer))
    return buffer.value.decode(errors="replace")


def _cache_elements(llama: Any, pointer: int) -> int:
    """Keys and values of one token in all layers, by the heads of the first."""
    heads = max(1, llama.llama_model_n_head(pointer))
    size = llama.llama_model_n_embd(pointer) // heads
    name = _metadata(llama, pointer, "general.architecture")
    keys, values = (
        int(_metadata(llama, pointer, f"{name}.attention.{kind}_length") or size)
        for kind in ("key", "value")
    )
    stored: int = llama.llama_model_n_layer(pointer) * llama.llama_model_n_head_kv(pointer)
    return stored * (keys + values)


def _metadata(llama: Any, pointer: int, key: str) -> str:
    """A value of the file's header as text; empty if there is none."""
    buffer = ctypes.create_string_buffer(256)
    llama.llama_model_meta_val_str(pointer, key.encode(), buffer, len(buffer))
    return buffer.value.decode(errors="replace")
