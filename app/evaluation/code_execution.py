"""Execution of model-written programs in a restricted process: limited time and memory, no network.

Requires Linux, the only system where a process can drop its network access without privileges. The
program can still read the user's files: untrusted models should be evaluated in a container.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from time import monotonic

from app.errors import EvaluationError
from app.extras import install_hint
from app.resources import is_packaged

_NO_SANDBOX = 97
_CHUNK = 1 << 16
_ON_LINUX = "Evaluate it on a Linux system that allows user namespaces."
_BOOT = f"""
import ctypes, os, resource, signal, sys
seconds, megabytes = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_PROCESSES, NEW_NETWORK, DIE_WITH_PARENT = 0x10000000, 0x20000000, 0x40000000, 1
if libc.unshare(NEW_USER | NEW_PROCESSES | NEW_NETWORK):
    os._exit({_NO_SANDBOX})
child = os.fork()  # process 1 of the namespace: the kernel kills the others when it ends
if child:
    _, status = os.waitpid(child, 0)
    os._exit(0 if status == 0 else 1)
libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
program = sys.stdin.read()
exec(compile(program, "program", "exec"), {{"__name__": "__main__"}})
sys.stdout.flush()
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a program: CPU and wall-clock seconds, and memory in MiB."""

    seconds: int = 10
    megabytes: int = 1024


def passes(program: str, limits: Limits = Limits()) -> bool:
    """Whether ``program`` runs to its end without an error.

    A program that exits early does not pass, because its tests may not have run.

    Raises:
        EvaluationError: The program cannot be isolated on this system, and was not run.
    """
    if sys.platform != "linux":
        raise _no_sandbox(f"this is {sys.platform}", _ON_LINUX)
    if is_packaged():  # sys.executable would start Tuneshift itself
        raise _no_sandbox(
            "the packaged program contains no Python interpreter", install_hint("eval")
        )
    mark = secrets.token_hex()  # printed after the last line of the program
    whole = f"{program}\nprint({mark!r}, flush=True)\n"
    arguments = [sys.executable, "-I", "-c", _BOOT, str(limits.seconds), str(limits.megabytes)]
    with (
        tempfile.TemporaryDirectory(prefix="tuneshift-program-") as folder,
        tempfile.TemporaryFile() as source,
    ):
        source.write(whole.encode())
        source.seek(0)
        process = subprocess.Popen(
            arguments,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={"PATH": os.defpath, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        try:
            last = _last_output(process, len(mark) + 1, limits.seconds + 1)
        finally:
            _kill(process)
    if process.returncode == _NO_SANDBOX:
        raise _no_sandbox("the system does not allow user namespaces", _ON_LINUX)
    return process.returncode == 0 and last == f"{mark}\n".encode()


def _last_output(process: subprocess.Popen[bytes], length: int, seconds: float) -> bytes:
    """The last ``length`` bytes of what a process prints until it ends; the rest is dropped.

    Empty if it has not ended after ``seconds``.
    """
    assert process.stdout is not None
    end, last = monotonic() + seconds, b""
    with DefaultSelector() as selector:
        selector.register(process.stdout, EVENT_READ)
        while (left := end - monotonic()) > 0 and selector.select(left):
            read = os.read(process.stdout.fileno(), _CHUNK)
            if not read:
                break
            last = (last + read)[-length:]
    try:
        process.wait(max(0.0, end - monotonic()))
    except subprocess.TimeoutExpired:
        return b""
    return last


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _no_sandbox(why: str, next_step: str) -> EvaluationError:
    return EvaluationError(
        "A model-written program was not run, because it cannot be run in isolation here",
        evidence=why,
        next_step=next_step,
    )
