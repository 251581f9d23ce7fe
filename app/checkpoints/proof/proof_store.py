"""Proofs that are kept in the cache folder, so that a load that was proved once is not slower."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app import __version__
from app.atomic_files import write_file
from app.checkpoints.proof.proof_report import Proof, proof_of

_FORMAT = 1
"""Another one, as after a change of the readings or the bounds, makes kept proofs void."""
_MOST = 256
"""Files that are kept; the oldest are removed."""
_LIBRARIES = ("torch", "transformers", "bitsandbytes", "peft", "accelerate")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProofKey:
    """What has to be the same for a proof to hold.

    Attributes:
        fingerprint: Of the files of the weights, and of the adapter.
        dtype: Of what is not quantized.
        quantization: As in ``LoadedWeights``.
        device: Such as ``cpu`` or ``cuda``.
        hardware: The name of the accelerator; nothing for the CPU.
        attention: The implementation in force.
        shortcuts: What the model is read with.
        threads: Of torch.
        offloaded: Share of the weights in main memory.
        tokens: How many were read.
    """

    fingerprint: str
    dtype: str
    quantization: str
    device: str
    hardware: str
    attention: str
    shortcuts: tuple[str, ...]
    threads: int
    offloaded: float
    tokens: int

    @property
    def name(self) -> str:
        """A digest of this and of the versions of the libraries."""
        versions = {"tuneshift": __version__, **{name: _version(name) for name in _LIBRARIES}}
        told = json.dumps({"format": _FORMAT, **versions, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:32]


def kept_proof(folder: Path, key: ProofKey) -> Proof | None:
    """The proof that was kept for ``key``, or None."""
    path = folder / f"{key.name}.json"
    try:
        return proof_of(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("the proof in %s is not used: %s", path, error)
        return None


def keep_proof(folder: Path, key: ProofKey, proof: Proof) -> None:
    """Keep ``proof``; where that fails, the next load proves again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / f"{key.name}.json", json.dumps(asdict(proof)))
    except OSError as error:
        log.warning("a proof cannot be kept: %s", error)
        return
    with suppress(OSError):
        kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-_MOST]:
            path.unlink()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
