"""Names of the tensors of a GGUF file in transformers."""

from __future__ import annotations

import re

from app.checkpoints.formats.gguf_architectures import architecture_of
from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_metadata import UnusableError

_IN_BLOCK = re.compile(r"blk\.(0|[1-9]\d{0,5})\.(\w+)\.(weight|bias)")
_OUTSIDE = re.compile(r"(\w+)\.(weight|bias)")


def block_and_leaf(name: str) -> tuple[str, str]:
    """The block number of a tensor, empty outside of blocks, and its name within the block."""
    if found := _IN_BLOCK.fullmatch(name):
        return found[1], found[2]
    found = _OUTSIDE.fullmatch(name)
    return "", found[1] if found else name


def names_in_transformers(contents: Contents) -> dict[str, str]:
    """The name of every weight in transformers, by its name in the file.

    The gate and up projections of experts have the same name in transformers.

    Raises:
        UnusableError: The architecture does not have one of the tensors.
    """
    architecture = architecture_of(contents)
    found = {}
    for name in contents.tensors:
        if name in architecture.read_elsewhere:
            continue
        block, leaf = block_and_leaf(name)
        if block and leaf in architecture.experts and name.endswith(".weight"):
            found[name] = f"{architecture.blocks}.{block}.{architecture.experts[leaf]}"
            continue
        renamed = (architecture.block if block else architecture.top).get(leaf)
        if renamed is None or name == leaf:
            raise UnusableError(
                f"its tensor “{name[:80]}” does not exist in the {contents.architecture} model "
                "that its keys describe"
            )
        suffix = name.rpartition(".")[2]
        before = f"{architecture.blocks}.{block}." if block else ""
        found[name] = f"{before}{renamed}.{suffix}"
    return found
