"""The configuration of a GGUF file whose architecture transformers does not know."""

from __future__ import annotations

from transformers import PretrainedConfig

from app.checkpoints.formats.gguf_llama_sizes import MODEL_TYPE


class LlamaCppConfig(PretrainedConfig):
    """A configuration with the attributes of ``gguf_llama_sizes.llama_configuration``."""

    model_type = MODEL_TYPE
