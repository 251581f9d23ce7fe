"""The name of the quantization of a GGUF file, such as ``Q4_K_M``."""

from __future__ import annotations

from app.checkpoints.formats.gguf_header import Contents


def quantization_of(contents: Contents) -> str:
    """The quantization that the file names, or the data type of most of its weights."""
    from gguf.constants import GGMLQuantizationType, LlamaFileType  # slow to import

    named = contents.metadata.values.get("general.file_type")
    known = {kind.value: kind.name for kind in LlamaFileType if kind is not LlamaFileType.GUESSED}
    if isinstance(named, int) and named in known:
        return known[named].removeprefix("MOSTLY_").removeprefix("ALL_")
    sizes: dict[int, int] = {}
    for tensor in contents.tensors.values():
        sizes[tensor.kind] = sizes.get(tensor.kind, 0) + tensor.size
    return GGMLQuantizationType(max(sizes, key=sizes.__getitem__)).name if sizes else ""
