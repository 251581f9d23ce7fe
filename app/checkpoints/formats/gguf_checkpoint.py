"""Conversion of a GGUF file to a checkpoint folder: configuration, tokenizer and weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoConfig, GenerationConfig, PretrainedConfig

from app.checkpoints.formats import gguf
from app.checkpoints.formats.gguf_architectures import configuration
from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_llama_config import LlamaCppConfig
from app.checkpoints.formats.gguf_llama_sizes import llama_configuration
from app.checkpoints.formats.gguf_parts import read_parts
from app.checkpoints.formats.gguf_tokenizer import save_tokenizer
from app.checkpoints.formats.gguf_vocabulary import read_vocabulary
from app.checkpoints.formats.gguf_weights import check_tensors, write_weights

_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def write_checkpoint(
    path: Path,
    folder: Path,
    weights: bool,
    metadata: Path | None = None,
    on_share: Callable[[float], None] = lambda share: None,
) -> None:
    """Convert the file at ``path`` into ``folder``.

    Args:
        path: The GGUF file.
        folder: The folder to write.
        weights: Whether to write the weights too, or only configuration and tokenizer.
        metadata: The result of an earlier conversion without weights, if there is one; its
            tokenizer is reused.
        on_share: Called with the share of the weights that is converted, 0 to 1.

    Raises:
        UnusableError: The file is not supported.
        OSError, ValueError, struct.error: The file is damaged.
    """
    contents = read_parts(path, everything=True)
    gguf.check(contents, by_llama=not weights)
    vocabulary = read_vocabulary(contents)
    ends = vocabulary.ends or None
    config = _configuration(contents)
    config.eos_token_id, config.bos_token_id = ends, vocabulary.flags.ids.get("bos")
    config.dtype = _DTYPES[gguf.converted_dtype(contents)]
    if metadata is None:
        save_tokenizer(vocabulary, contents.architecture, folder)
    else:
        shutil.copytree(metadata, folder, dirs_exist_ok=True)
    config.save_pretrained(folder)
    GenerationConfig(eos_token_id=ends, bos_token_id=config.bos_token_id).save_pretrained(folder)
    if weights:
        write_weights(contents, config, folder, _DTYPES[gguf.converted_dtype(contents)], on_share)


def _configuration(contents: Contents) -> PretrainedConfig:
    """The configuration, for transformers where it has the architecture."""
    if not gguf.is_converted(contents):
        return LlamaCppConfig(**llama_configuration(contents))
    config: PretrainedConfig = AutoConfig.for_model(**configuration(contents))
    check_tensors(contents, config)
    return config
