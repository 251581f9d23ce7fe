"""GPUs that llama.cpp computes on, by their names in recipes, such as ``vulkan:0``."""

from __future__ import annotations

import json
import logging
import multiprocessing
from multiprocessing.connection import Connection

from app.decoding.llama_cpp.library import ComputeDevice, backends, devices, is_installed
from app.errors import DeviceError

_LOG = logging.getLogger(__name__)
_OF_THE_PROCESSOR = frozenset(["blas", "cpu"])
_MOST_SECONDS = 30.0
_MOST_BYTES = 100_000


def llama_gpus() -> tuple[ComputeDevice, ...]:
    """The GPUs that llama.cpp sees; none where it is not installed or cannot be loaded."""
    if not is_installed():
        return ()
    try:
        return tuple(device for device in devices() if device.is_gpu)
    except DeviceError as error:
        _LOG.warning("%s", error)
        return ()


def llama_gpu(name: str) -> ComputeDevice | None:
    """The GPU of llama.cpp with that name in recipes, or None."""
    return next((gpu for gpu in llama_gpus() if gpu.in_recipes == name), None)


def llama_device_names() -> list[str]:
    """Names of the devices of llama.cpp: GPUs first, ``cpu`` last."""
    return [*(gpu.in_recipes for gpu in llama_gpus()), "cpu"]


def gpus_seen_by_a_child() -> list[str]:
    """Names of the GPUs of llama.cpp, as a process of its own sees them.

    It opens their drivers, a broken one of which ends its process. None is started where the
    library was built for the processor alone.
    """
    if not backends() - _OF_THE_PROCESSOR:
        return []
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_tell_gpus, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        if ours.poll(_MOST_SECONDS):
            return [str(name) for name in json.loads(ours.recv_bytes(_MOST_BYTES))]
        _LOG.warning("llama.cpp did not say within %.0f s which GPUs it sees", _MOST_SECONDS)
    except (EOFError, OSError, ValueError, TypeError):
        process.join(_MOST_SECONDS)
        _LOG.warning("the process in which llama.cpp opens drivers ended: %s", process.exitcode)
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()
    return []


def _tell_gpus(connection: Connection) -> None:
    """The entry point of the other process."""
    connection.send_bytes(json.dumps([gpu.in_recipes for gpu in llama_gpus()]).encode())
    connection.close()
