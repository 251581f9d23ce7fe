"""The library llama.cpp: whether it is installed, its version, its devices and its log."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import logging
import os
import re
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from app.errors import DeviceError
from app.extras import install_hint
from app.resources import is_packaged

EXTRA = "llama"
"""The extra that installs the library."""
_PACKAGE = "llama_cpp"
_LOG = logging.getLogger(__name__)
_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.INFO, 4: logging.WARNING}
"""Levels of ggml (debugging, information, warning, error): it is chatty, and errors are raised."""
_KINDS = {0: "cpu", 1: "gpu", 2: "integrated gpu", 3: "accelerator"}
_GPUS = ("gpu", "integrated gpu")
_BACKEND = re.compile(r"ggml-([a-z]+)[-.]")
_NUMBER = re.compile(r"(?<=[a-z])(?=\d+$)")


@dataclass(frozen=True, slots=True)
class ComputeDevice:
    """A device that the library can compute on.

    Attributes:
        name: Its name in the library, such as ``CPU`` or ``Vulkan0``.
        description: Its name for people.
        kind: One of cpu, gpu, integrated gpu, accelerator.
        free: Bytes of its memory that are free.
        total: Bytes of its memory.
    """

    name: str
    description: str
    kind: str
    free: int
    total: int

    @property
    def is_gpu(self) -> bool:
        """Whether it is a graphics processor, with memory of its own or without."""
        return self.kind in _GPUS

    @property
    def in_recipes(self) -> str:
        """Its name in recipes and on the command line, such as ``cpu`` or ``vulkan:0``."""
        return _NUMBER.sub(":", self.name.lower())


def is_installed() -> bool:
    """Whether the library is installed; it is not loaded for the answer."""
    return importlib.util.find_spec(_PACKAGE) is not None


def backends() -> frozenset[str]:
    """The kinds of devices that the library was built for, such as ``cpu`` and ``vulkan``.

    Nothing is loaded for the answer, and no driver opened; empty without the library.
    """
    if not is_installed():
        return frozenset()
    found = (_BACKEND.search(path.name) for path in _folder().glob("*ggml-*"))
    return frozenset(match[1] for match in found if match) - {"base"}


def is_built_with(backend: str) -> bool:
    """Whether the library was built for devices of that kind, such as ``cuda``."""
    return backend in backends()


def version() -> str:
    """The version of the binding, such as ``0.3.36``; empty without it."""
    try:
        return metadata.version("llama-cpp-python")
    except metadata.PackageNotFoundError:
        return ""


@cache
def library() -> Any:
    """The functions of the C API, ``llama_*``; loads the library and starts it once.

    Raises:
        DeviceError: The library is not installed or cannot be loaded.
    """
    if not is_installed():
        raise DeviceError(
            "llama.cpp is not installed",
            evidence=f"no package {_PACKAGE}",
            next_step=install_hint(EXTRA),
        )
    try:
        module = _low_level_module()
    except (ImportError, OSError, RuntimeError) as error:
        raise DeviceError(
            "llama.cpp is installed but cannot be loaded",
            evidence=f"{type(error).__name__}: {error}",
            next_step="Install the program again."
            if is_packaged()
            else f"Install it again. {install_hint(EXTRA)}",
        ) from error
    _log_to_logging(module)
    _load_backends(module)
    module.llama_backend_init()
    return module


@cache
def ggml() -> Any:
    """The library of tensors and devices under llama.cpp, as ctypes loaded it."""
    loaded = _ggml_of(library())
    for name in ("get", "by_name"):
        getattr(loaded, f"ggml_backend_dev_{name}").restype = ctypes.c_void_p
    for name in ("name", "description"):
        function = getattr(loaded, f"ggml_backend_dev_{name}")
        function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_char_p
    loaded.ggml_backend_dev_count.restype = ctypes.c_size_t
    loaded.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    loaded.ggml_backend_dev_by_name.argtypes = [ctypes.c_char_p]
    loaded.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    size = ctypes.POINTER(ctypes.c_size_t)
    loaded.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, size, size]
    loaded.ggml_backend_dev_memory.restype = None
    return loaded


def devices() -> tuple[ComputeDevice, ...]:
    """The devices that the library sees, the processor among them."""
    loaded = ggml()
    places = range(loaded.ggml_backend_dev_count())
    return tuple(_device(loaded, loaded.ggml_backend_dev_get(place)) for place in places)


def device_pointer(name: str) -> int:
    """The address of the device of that name, such as ``Vulkan0``, in recipes ``vulkan:0``.

    Raises:
        DeviceError: The library sees no such device.
    """
    own = {device.in_recipes: device.name for device in devices()}.get(name, name)
    found: int | None = ggml().ggml_backend_dev_by_name(own.encode())
    if found is None:
        seen = ", ".join(device.in_recipes for device in devices())
        raise DeviceError(
            f"llama.cpp sees no device {name}",
            evidence=f"it sees {seen}",
            next_step="Choose one of these devices.",
        )
    return found


@contextmanager
def collected_errors() -> Iterator[list[str]]:
    """Collects the errors that this thread's calls of the library log; the first is the cause."""
    lines: list[str] = []
    handler = _Collector(lines)
    _LOG.addHandler(handler)
    try:
        yield lines
    finally:
        _LOG.removeHandler(handler)


class _Collector(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._lines.append(record.getMessage())


def _device(loaded: Any, pointer: int) -> ComputeDevice:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    loaded.ggml_backend_dev_memory(pointer, ctypes.byref(free), ctypes.byref(total))
    return ComputeDevice(
        loaded.ggml_backend_dev_name(pointer).decode(),
        loaded.ggml_backend_dev_description(pointer).decode(errors="replace").strip(),
        _KINDS.get(loaded.ggml_backend_dev_type(pointer), "accelerator"),
        free.value,
        total.value,
    )


def _log_to_logging(module: Any) -> None:
    """Send the log of the library to ``logging``, and stop before the interpreter ends."""

    @module.llama_log_callback  # type: ignore[untyped-decorator]
    def write(level: int, text: bytes, data: int | None) -> None:
        line = text.decode(errors="replace").strip()
        if line and level in _LEVELS:
            _LOG.log(_LEVELS[level], "%s", line)

    module.llama_log_set(write, None)
    # Finalizers run in reverse order, so that what is freed at the end of the process still logs.
    none = module.llama_log_callback(0)
    weakref.finalize(module, _stop_log, module, none, write)


def _stop_log(module: Any, none: Any, callback: Any) -> None:
    """Unset the callback, which was referenced until now since the library could call it."""
    module.llama_log_set(none, None)


def _folder() -> Path:
    """The folder of the shared libraries, which the binding looks up in the same way."""
    if named := os.environ.get("LLAMA_CPP_LIB_PATH"):
        return Path(named)
    spec = importlib.util.find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "lib"


def _low_level_module() -> Any:
    """The module of the C API, without the package around it.

    The package would import its high-level class, and with it caches that are read by pickle.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    assert spec is not None
    sys.modules.setdefault(_PACKAGE, importlib.util.module_from_spec(spec))
    return importlib.import_module(f"{_PACKAGE}.llama_cpp")


def _ggml_of(module: Any) -> Any:
    loading = importlib.import_module(f"{_PACKAGE}._ctypes_extensions")
    return loading.load_shared_library("ggml", module._base_path)


def _load_backends(module: Any) -> None:
    """Load the backends that are files of their own, as in the packaged program."""
    loaded = _ggml_of(module)
    loaded.ggml_backend_load_all_from_path.argtypes = [ctypes.c_char_p]
    loaded.ggml_backend_load_all_from_path.restype = None
    loaded.ggml_backend_load_all_from_path(str(module._base_path).encode())
