"""Running a program that a model wrote: apart, with bounds of time and memory, without network.

Only Linux cuts a process off from the network without rights that a person does not have. Files are
not hidden from the program: a container is the place for models that nobody trusts.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from app.errors import EvaluationError
from app.extras import install_hint
from app.resources import is_packaged

_NOT_APART = 97
_ON_LINUX = "Evaluate it on Linux, where user namespaces are allowed."
_BOOT = f"""
import ctypes, os, resource, signal, sys
seconds, megabytes = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_PROCESSES, NEW_NETWORK, DIE_WITH_PARENT = 0x10000000, 0x20000000, 0x40000000, 1
if libc.unshare(NEW_USER | NEW_PROCESSES | NEW_NETWORK):
    os._exit({_NOT_APART})
child = os.fork()  # the first process of the new namespace: all others end with it
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
    """What a program may take."""

    seconds: int = 10
    megabytes: int = 1024


def passes(program: str, limits: Limits = Limits()) -> bool:
    """Whether ``program`` runs to its end without an error.

    A program that leaves by itself before its end does not pass: its tests have not been run.

    Raises:
        EvaluationError: It cannot be run apart on this machine; it has not been run then.
    """
    if sys.platform != "linux":
        raise _not_apart(f"this is {sys.platform}", _ON_LINUX)
    if is_packaged():  # what would be started is the program itself
        raise _not_apart("the packaged program has no Python for it", install_hint("eval"))
    mark = secrets.token_hex()  # shows that the end was reached
    whole = f"{program}\nprint({mark!r}, flush=True)\n"
    arguments = [sys.executable, "-I", "-c", _BOOT, str(limits.seconds), str(limits.megabytes)]
    with tempfile.TemporaryDirectory(prefix="tuneshift-program-") as folder:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={"PATH": os.defpath, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(whole.encode(), timeout=limits.seconds + 1)
        except subprocess.TimeoutExpired:
            output = b""
        finally:
            _end(process)
    if process.returncode == _NOT_APART:
        raise _not_apart("the system gives it no network of its own", _ON_LINUX)
    return process.returncode == 0 and output.endswith(f"{mark}\n".encode())


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started, and read what is left of its output."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _not_apart(why: str, next_step: str) -> EvaluationError:
    return EvaluationError(
        "A program that a model wrote cannot be kept from the network here, so it was not run",
        evidence=why,
        next_step=next_step,
    )
