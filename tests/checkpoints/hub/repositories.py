"""Repositories for the tests, and short ways to download and compare them."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path

from app.checkpoints import hub
from app.checkpoints.hub import HubId

MODEL = HubId("owner/model")


def safetensors(seed: int, rows: int = 300, columns: int = 512) -> bytes:
    """A weight file with one tensor of float32."""
    size = rows * columns * 4
    header = json.dumps(
        {
            f"weight.{seed}": {
                "dtype": "F32",
                "shape": [rows, columns],
                "data_offsets": [0, size],
            }
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes([seed]) * size


KEPT = re.compile(r"Finished files are kept \(\d of \d\); an unfinished file starts again\.")
CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
SMALL = {
    "config.json": json.dumps(CONFIG).encode(),
    "tokenizer.json": b'{"a tokenizer": 1}',
    "tokenizer_config.json": b"{}",
    "generation_config.json": b'{"x": 1}',
}
USELESS = {
    "README.md": b"# Model",
    "modeling_own.py": b"raise SystemExit",
    "pytorch_model.bin": b"pickle" * 100,
    "onnx/model.onnx": b"onnx" * 100,
    "original/consolidated.safetensors": safetensors(9, 2, 2),
    "consolidated.safetensors": safetensors(8, 2, 2),
}
SINGLE = {**SMALL, "model.safetensors": safetensors(1)}
SHARDS = {f"model-0000{place}-of-00003.safetensors": safetensors(place) for place in (1, 2, 3)}
WEIGHT_MAP = {f"weight.{place + 1}": name for place, name in enumerate(SHARDS)}
INDEX = {"model.safetensors.index.json": json.dumps({"weight_map": WEIGHT_MAP}).encode()}
SHARDED = {**SMALL, **INDEX, **SHARDS}
ADAPTER = {
    "adapter_config.json": b'{"peft_type": "LORA"}',
    "adapter_model.safetensors": safetensors(4, 8, 8),
}


def never() -> bool:
    return False


def get(hub_id: HubId = MODEL, cancelled: Callable[[], bool] = never) -> Path:
    return hub.download(hub_id, lambda progress: None, cancelled)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
