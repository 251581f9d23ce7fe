"""Writes docs/models.md: how each kind of model is read.

Usage: python -m tests.architectures.table
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from transformers.utils import logging

from tests.architectures.trial import KINDS, REFUSED, Outcome, try_kind

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
_INTRODUCTION = """# Models

How Tuneshift reads each kind of causal language model that transformers {version} has. The table is
written by `python -m tests.architectures.table`, which makes a tiny model of each kind with random
weights in float32, loads it as the program does, reads a text in chunks, token by token, in blocks
and after rewinds, and compares all logits with those of plain forward passes (without a cache).
`pytest -m architectures` does the same and fails if they differ.

- **KV cache**: keys and values are cached, and the cache can be rewound to any length.
- **state**: the model has a recurrent state, instead of or beside a KV cache. It cannot be rewound,
  so there is no speculative decoding.
- **state, one token at a time**: the same, and only the first {chunk} tokens of a prompt are read
  as one block; every later token costs a forward pass of its own.
- **no cache**: every block costs a forward pass of the whole text, because the model takes no
  cache, or its logits would be wrong with the one of transformers.
- **refused**: the load is refused with this reason.
- **captured**: whether steps are captured as CUDA graphs, or why not. Captured steps are read
  without a graph and compared as well, and computed with tensors that have no values, so that any
  question to the device is found. Mixtures of experts are captured in bfloat16, since Ampere.

{counts}

| model type | class | read with | why | captured |
|---|---|---|---|---|
"""


def transformers_version() -> str:
    return version("transformers")


def documented_version() -> str:
    """The version of transformers that the document is about."""
    found = re.search(r"transformers (\S+) has", DOCUMENT.read_text())
    return found.group(1) if found else ""


def write(outcomes: Mapping[str, Outcome]) -> str:
    """The text of the document."""
    from app.decoding.step_sizes import PREFILL_CHUNK

    ways = [outcome.way for outcome in outcomes.values()]
    counts = ", ".join(f"{way}: {ways.count(way)}" for way in sorted(set(ways)))
    lines = [line(kind, outcome) for kind, outcome in outcomes.items()]
    introduction = _INTRODUCTION.format(
        version=transformers_version(), chunk=PREFILL_CHUNK, counts=f"{counts}."
    )
    return introduction + "\n".join(lines) + "\n"


def line(kind: str, outcome: Outcome) -> str:
    """The row of the table about ``kind``."""
    name = outcome.name if outcome.name != kind else ""
    return f"| {kind} | {name} | {outcome.way} | {_cell(outcome.why)} | {outcome.captured} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").rstrip(": ")


def main() -> int:
    """Write the document; the number of kinds whose rows are wrong."""
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    outcomes = {}
    with tempfile.TemporaryDirectory() as folder:
        for place, kind in enumerate(KINDS):
            outcomes[kind] = outcome = try_kind(kind, Path(folder) / str(place))
            if outcome.way != REFUSED and not outcome.error <= outcome.tolerated:
                print(f"WRONG {kind}: {outcome}", file=sys.stderr)
    DOCUMENT.write_text(write(outcomes))
    return sum(outcome.error > outcome.tolerated for outcome in outcomes.values())


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.exit(main())
