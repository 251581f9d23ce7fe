"""``make gpu-check``: shows in minutes that a GPU computes what it should, and how fast.

Each part is a process of its own with a time limit, and its result a file, so that an interrupted
check goes on where it was, and one that crashes takes nothing along. Results of another commit,
device or version are measured anew. docs/gpu-check.md says how to run it on a bare machine.

Usage: python -m tests.gpu.check [--device cuda|cpu] [--minutes 8] [--only PART …]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.gpu.report import as_table, passed
from tests.gpu.target import VARIABLE

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "torch",
    "transformers",
    "bitsandbytes",
    "peft",
    "numpy",
    "triton",
    "PySide6-Essentials",
)
_PYTEST = (
    *("-m", "pytest", "-q", "-c", "tests/gpu/pytest.ini", "--rootdir", ".", "--confcutdir", "."),
    *("-p", "no:cacheprovider", "tests/gpu", "tests/decoding", "tests/checkpoints"),
    *("-k", "on_gpu or on_cuda"),
)


@dataclass(frozen=True)
class Part:
    """One part of the check.

    Attributes:
        name: The name of the part and of its file.
        command: Arguments of Python; the last line that it prints is JSON, unless it runs tests.
        seconds: The time limit.
    """

    name: str
    command: tuple[str, ...]
    seconds: int

    @property
    def tests(self) -> bool:
        return "pytest" in self.command


def parts(device: str) -> list[Part]:
    """The parts in their order: what must be right, then the figures."""
    small, large = ("7b,0.5b,0.5b", "13b,7b,7b") if device != "cpu" else ("15m,15m,15m",) * 2
    tokens, prompts = ("128", "8,64,512,2048,8192") if device != "cpu" else ("16", "8,64")
    figures = ("-m", "tests.gpu.figures")
    window = ("-m", "tests.bench.window", "--only", "generating")
    found = [
        Part("tests", _PYTEST, 200),
        Part("architectures", ("-m", "tests.gpu.architectures"), 240),
        Part("small pair", (*figures, small, "--tokens", tokens), 120),
        Part("large pair", (*figures, large, "--tokens", tokens, "--first-token", prompts), 200),
        Part("one model compiled", (*figures, small, "--tokens", "8", "--compiled"), 200),
    ]
    if find_spec("PySide6"):  # more than may be brought along
        found.append(Part("window", window, 120))
    return found


def environment(device: str) -> dict[str, str]:
    """What a result depends on: the commit, the device and the versions."""
    import torch

    def installed(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "none"

    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    on_gpu = device != "cpu" and torch.cuda.is_available()
    return {
        "commit": commit or "not a git tree",
        "device": torch.cuda.get_device_name(device)
        if on_gpu
        else f"{device}, {platform.machine()}",
        "python": platform.python_version(),
        **{name: installed(name) for name in PACKAGES},
    }


def run(part: Part, device: str, seconds: float) -> dict[str, Any]:
    """Run a part; its result, or what kept it from one."""
    surroundings = os.environ | {
        VARIABLE: device,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "HF_HUB_OFFLINE": "1",
        "QT_QPA_PLATFORM": "offscreen",
    }
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *part.command],
        cwd=ROOT,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that what it started ends with it
    )
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        printed = process.communicate()[0] + f"\nended after {seconds:.0f} s"
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    took = round(time.monotonic() - started, 1)
    found: dict[str, Any] = {"status": process.returncode, "seconds": took}
    if part.tests:
        return found | {"summary": printed.strip().splitlines()[-1:], "output": printed[-6000:]}
    result = _last_json(printed)
    if result is None:
        return found | {"output": printed[-3000:]}
    return found | {"result": result}


def _last_json(printed: str) -> Any:
    for line in reversed(printed.splitlines()):
        if line.startswith("{"):
            try:
                return json.loads(line)
            except ValueError:
                return None
    return None


def check(device: str, minutes: float, folder: Path, only: Sequence[str] = ()) -> dict[str, Any]:
    """Run what has no result yet until the time is over; everything known so far."""
    ends = time.monotonic() + 60 * minutes
    folder.mkdir(parents=True, exist_ok=True)
    here = environment(device)
    found: dict[str, Any] = {"environment": here, "parts": {}}
    for part in parts(device):
        if only and part.name not in only:
            continue
        path = folder / f"{part.name.replace(' ', '-')}.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        if kept.get("environment") != here or kept["result"]["status"]:
            left = ends - time.monotonic()
            if left < 20:
                found["parts"][part.name] = {"status": None, "output": "no time was left"}
                continue
            print(f"{part.name} …", flush=True)
            result = run(part, device, min(left, part.seconds))
            kept = {"environment": here, "result": result}
            path.write_text(json.dumps(kept, indent=1))
        found["parts"][part.name] = kept["result"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, …, or cpu for a trial")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "gpu-check")
    parser.add_argument("--only", nargs="*", default=(), metavar="PART")
    options = parser.parse_args()
    found = check(options.device, options.minutes, options.folder, options.only)
    (options.folder / "result.json").write_text(json.dumps(found, indent=1))
    table = as_table(found)
    (options.folder / "table.md").write_text(table)
    print(table)
    return not passed(found)


if __name__ == "__main__":
    sys.exit(main())
