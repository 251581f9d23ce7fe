"""Steps and blocks of a GGUF file here and in a plain loop over llama.cpp's C API: prints JSON.

``python -m tests.bench.llama_steps FILE --blocks 1,4,8``: milliseconds of a block after 128 tokens,
each from processes in turn. The plain loop runs with llama.cpp's defaults (waiting threads
spin, as many threads as cores), the other as the program runs it. ``--clock processor`` counts the
time of one thread, which other work on the machine hardly changes.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from app.decoding.llama_cpp.library import library
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from app.waiting_threads import let_waiting_threads_sleep

_BEFORE = 128
CLOCKS = {"wall": time.perf_counter, "processor": time.thread_time}


def ours(file: Path, threads: int) -> Callable[[int], None]:
    """Reads a block with the language model of the program."""
    torch.set_num_threads(threads)
    model = LlamaCppLanguageModel(LlamaCppWeights.open([file]))
    model.extend(torch.arange(_BEFORE))

    def read(tokens: int) -> None:
        model.rewind(_BEFORE)
        model.extend(torch.arange(tokens), tokens)

    return read


def plain(file: Path, threads: int) -> Callable[[int], None]:
    """Reads a block with nothing but calls of the C API."""
    llama = library()
    model = llama.llama_model_load_from_file(str(file).encode(), llama.llama_model_default_params())
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = 1024
    parameters.n_threads = parameters.n_threads_batch = threads
    context = llama.llama_init_from_model(model, parameters)
    memory = llama.llama_get_memory(context)

    def decode(start: int, count: int, rows: int) -> None:
        tokens = (ctypes.c_int32 * count)(*range(count))
        positions = (ctypes.c_int32 * count)(*range(start, start + count))
        outputs = (ctypes.c_int8 * count)(*(place >= count - rows for place in range(count)))
        batch = llama.llama_batch(n_tokens=count, token=tokens, pos=positions, logits=outputs)
        assert llama.llama_decode(context, batch) == 0
        llama.llama_get_logits(context)

    decode(0, _BEFORE, 1)

    def read(tokens: int) -> None:
        llama.llama_memory_seq_rm(memory, 0, _BEFORE, -1)
        decode(_BEFORE, tokens, tokens)

    return read


WAYS = {"ours": ours, "plain": plain}


def measure(read: Callable[[int], None], block: int, repeats: int, clock: str) -> float:
    """Median milliseconds of a block."""
    now, times = CLOCKS[clock], []
    for _ in range(repeats + 8):  # the first ones choose the number of threads
        begun = now()
        read(block)
        times.append(1000 * (now() - begun))
    return median(times[8:])


def in_a_process(way: str, options: argparse.Namespace) -> dict[str, float]:
    """The times of one way by block, from a process of its own."""
    settings = {
        name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))
    }
    if way == "ours":
        let_waiting_threads_sleep(settings)
    command = [sys.executable, "-m", "tests.bench.llama_steps", str(options.file), "--way", way]
    command += ["--blocks", options.blocks, "--repeats", str(options.repeats)]
    command += ["--clock", options.clock, "--threads", str(options.threads)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--blocks", default="1,4,8")
    parser.add_argument("--repeats", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--way", choices=WAYS, help="measure this one in this process")
    options = parser.parse_args()
    if options.clock == "processor":
        options.threads = 1
    blocks = [int(block) for block in options.blocks.split(",")]
    if options.way:
        read = WAYS[options.way](options.file, options.threads)
        times = {str(it): measure(read, it, options.repeats, options.clock) for it in blocks}
        print(json.dumps(times))
        return
    rounds = [{way: in_a_process(way, options) for way in WAYS} for _ in range(options.rounds)]
    for block in map(str, blocks):
        both = {way: median(each[way][block] for each in rounds) for way in WAYS}
        speed = both["plain"] / both["ours"]
        shown = {way: round(value, 2) for way, value in both.items()}
        print(json.dumps({"block": int(block), "ms": shown, "speed of ours": round(speed, 3)}))


if __name__ == "__main__":
    main()
