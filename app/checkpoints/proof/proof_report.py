"""The result of a proof, and its texts. Imports no torch, since the window uses it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Shortcut(StrEnum):
    """What makes a reading faster than plain forward passes, in the order of giving up."""

    CAPTURE = "capture"
    GROUPED_ATTENTION = "grouped attention"
    PACKING = "packed weights"
    DIVIDED_HEAD = "divided output layer"
    PADDING = "padded batches"
    REWINDING = "rewinding"
    BLOCKS = "blocks"
    CACHE = "cache"


class ProofMode(StrEnum):
    """When loading a recipe proves its models."""

    KEPT = "kept"  # unless a valid proof is in the cache folder
    FRESH = "fresh"  # always
    OFF = "off"


class Reading(StrEnum):
    """A way in which the program reads a text."""

    UNCACHED = "without a cache"
    TOKENS = "one token at a time"
    CHUNKS = "a prompt in chunks"
    REWOUND = "after a rewind"
    BLOCKS = "in blocks"
    BATCH = "in a batch of texts"
    STEP = "in a captured step"


@dataclass(frozen=True, slots=True)
class Difference:
    """How far logits are from those of plain forward passes.

    Attributes:
        divergence: Mean Kullback–Leibler divergence of the rows, in nats.
        largest: The largest difference in log-probability, among tokens that are likely in either.
    """

    divergence: float
    largest: float

    def within(self, bound: Difference) -> bool:
        """Whether both figures are at most those of ``bound``; false for NaN."""
        return self.divergence <= bound.divergence and self.largest <= bound.largest


@dataclass(frozen=True, slots=True)
class Compared:
    """A reading with its difference; ``error`` is the exception if the reading failed."""

    reading: Reading
    difference: Difference
    error: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of one set of weights.

    Attributes:
        compared: The readings without the shortcuts given up, all within ``bound``.
        bound: The largest difference that was accepted.
        given_up: The shortcuts that the model is read without.
        faults: The readings that were beyond the bound with these shortcuts.
        skipped: Readings that were not compared, because time was up.
        blocks: How far rows of a block are from those of the same tokens one by one; None if it was
            not measured.
        engines: How far rows of llama.cpp are from those of transformers on the dequantized
            weights; None if it was not measured.
        seconds: Duration of the proof.
        not_proved: Why nothing was compared; empty if the model was proved.
    """

    compared: tuple[Compared, ...] = ()
    bound: Difference | None = None
    given_up: tuple[Shortcut, ...] = ()
    faults: tuple[Compared, ...] = ()
    skipped: tuple[Reading, ...] = ()
    blocks: Difference | None = None
    engines: Difference | None = None
    seconds: float = 0.0
    not_proved: str = ""

    @property
    def largest(self) -> float:
        """The largest difference in log-probability of all compared readings."""
        return max((found.difference.largest for found in self.compared), default=0.0)

    @property
    def divergence(self) -> float:
        """The largest divergence of all compared readings."""
        return max((found.difference.divergence for found in self.compared), default=0.0)


def proof_of(table: Mapping[str, Any]) -> Proof:
    """The inverse of ``dataclasses.asdict`` after a round trip through JSON.

    Raises:
        ValueError: The table is not that of a proof, or of another version of the program.
    """
    try:
        bound = table["bound"]
        return Proof(
            compared=tuple(map(_compared, table["compared"])),
            bound=None if bound is None else Difference(**bound),
            given_up=tuple(map(Shortcut, table["given_up"])),
            faults=tuple(map(_compared, table["faults"])),
            skipped=tuple(map(Reading, table["skipped"])),
            blocks=_optional(table.get("blocks")),
            engines=_optional(table.get("engines")),
            seconds=float(table["seconds"]),
            not_proved=str(table["not_proved"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not a proof: {error}") from error


def _optional(table: Mapping[str, float] | None) -> Difference | None:
    return None if table is None else Difference(**table)


def _compared(table: Mapping[str, Any]) -> Compared:
    return Compared(
        Reading(table["reading"]), Difference(**table["difference"]), str(table["error"])
    )


def figure(value: float) -> str:
    """A number with one significant digit, such as ``2e-6``, ``0.03`` or ``0``."""
    if value == 0:
        return "0"
    if 1e-3 <= value < 1e3:
        return f"{value:.1g}" if value < 10 else f"{value:.0f}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e+")


def as_json(proof: Proof) -> dict[str, Any]:
    """The proof in the JSON output of the command line."""
    return {
        "largest_difference": _finite(proof.largest) if proof.compared else None,
        "divergence": _finite(proof.divergence) if proof.compared else None,
        "given_up": list(proof.given_up),
        "faults": [
            {
                "reading": fault.reading,
                "largest_difference": _finite(fault.difference.largest),
                "divergence": _finite(fault.difference.divergence),
                "error": fault.error,
            }
            for fault in proof.faults
        ],
        "skipped": list(proof.skipped),
        "block_difference": _finite(proof.blocks.largest) if proof.blocks else None,
        "engine_divergence": _finite(proof.engines.divergence) if proof.engines else None,
        "not_proved": proof.not_proved,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def in_one_line(proof: Proof) -> str:
    """The result in one line, such as “Proved: largest difference 2e-6”."""
    if proof.not_proved:
        return f"Not proved: {proof.not_proved}"
    line = f"Proved: largest difference {figure(proof.largest)}"
    if proof.skipped:
        line += f"; not compared for want of time: {', '.join(proof.skipped)}"
    return line


def about_blocks(proof: Proof) -> str:
    """One sentence where rows depend on the block in which they are read; otherwise empty."""
    if proof.blocks is None or proof.blocks.largest == 0:
        return ""
    return (
        f"In a block, log-probabilities differ by {figure(proof.blocks.largest)} from those of "
        "single tokens: with drafts, a text is of the same distribution up to rounding, and may "
        "differ from the one without drafts (--no-speculation)."
    )


def about_engines(proof: Proof) -> str:
    """One sentence on the difference between the engines; empty if it was not measured."""
    if proof.engines is None:
        return ""
    return (
        f"Beside transformers on the dequantized weights: KL {figure(proof.engines.divergence)} "
        f"nats, largest difference {figure(proof.engines.largest)}."
    )


_WITHOUT = {
    Shortcut.CAPTURE: "without captured steps",
    Shortcut.GROUPED_ATTENTION: "with the attention of transformers",
    Shortcut.PACKING: "without packed weights",
    Shortcut.DIVIDED_HEAD: "with an undivided output layer",
    Shortcut.PADDING: "one text after another in evaluations",
    Shortcut.REWINDING: "without rewinding, so that nothing is drafted",
    Shortcut.BLOCKS: "one token at a time, prompts too",
    Shortcut.CACHE: "without a cache, which is slow",
}


def warning_of(role: str, proof: Proof) -> str:
    """One sentence on the shortcuts given up and why; empty if there are none."""
    if not proof.given_up:
        return ""
    how = _WITHOUT[Shortcut.CACHE]
    if Shortcut.CACHE not in proof.given_up:
        how = ", ".join(_WITHOUT[shortcut] for shortcut in proof.given_up)
    return f"The {role} is read {how}: {'; '.join(map(_fault, proof.faults))}."


def _fault(found: Compared) -> str:
    if found.error:
        return f"{found.reading}, it fails ({found.error})"
    return (
        f"{found.reading}, log-probabilities differ by {figure(found.difference.largest)} "
        "from those of plain forward passes"
    )
