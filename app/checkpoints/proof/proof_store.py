"""The store of proofs in the cache folder, so that each set of weights is proved once."""

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

_FORMAT = 3
"""Version of text, readings, bounds and file format; proofs of another version are not used."""
_MAX_FILES = 256
"""The oldest files beyond this number are removed."""
_LIBRARIES = ("torch", "transformers", "bitsandbytes", "peft", "accelerate", "llama-cpp-python")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProofKey:
    """Everything that a proof depends on; it is valid as long as all of it is unchanged.

    Attributes:
        fingerprint: Fingerprint of the weight files and of the adapter.
        dtype: The dtype of weights that are not quantized.
        quantization: As in ``LoadedWeights``.
        device: Device type, such as ``cpu`` or ``cuda``.
        hardware: The name of the accelerator; empty for the CPU.
        attention: The attention implementation of transformers.
        shortcuts: The shortcuts that the model is read with.
        threads: Number of torch's threads.
        offloaded: Share of the weights in main memory.
        tokens: Number of tokens in the text.
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
        """The file name: a digest of the key and of the versions of the libraries."""
        versions = {"tuneshift": __version__, **{name: _version(name) for name in _LIBRARIES}}
        serialized = json.dumps({"format": _FORMAT, **versions, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(serialized.encode()).hexdigest()[:32]


def kept_proof(folder: Path, key: ProofKey) -> Proof | None:
    """The stored proof for ``key``, or None."""
    path = folder / f"{key.name}.json"
    try:
        return proof_of(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("the proof in %s is not used: %s", path, error)
        return None


def keep_proof(folder: Path, key: ProofKey, proof: Proof) -> None:
    """Store ``proof``. A failure is logged; the next load then proves the model again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / f"{key.name}.json", json.dumps(asdict(proof)))
    except OSError as error:
        log.warning("a proof cannot be kept: %s", error)
        return
    with suppress(OSError):
        kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-_MAX_FILES]:
            path.unlink()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
