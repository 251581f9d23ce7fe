"""Configurations of models as transformers reads them, which imports torch."""

from __future__ import annotations

from transformers import AutoConfig, PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from app.checkpoints.checkpoint_errors import unknown_model
from app.checkpoints.formats.adapter_layers import check_adapter
from app.checkpoints.formats.gguf_llama_config import LlamaCppConfig
from app.checkpoints.sources import CheckpointFiles, needs_code
from app.errors import CheckpointError

_OTHER_HEADS = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")
"""Endings of the names of model classes whose output layer does not compute logits of tokens."""


def read_full_configuration(files: CheckpointFiles) -> PretrainedConfig:
    """Read the configuration of a model, and check that it is a causal language model.

    The layers of an adapter are checked as well. If it was trained with added tokens, the
    configuration has the vocabulary size of the adapter.

    Raises:
        CheckpointError: transformers cannot use the configuration, the model is not causal, or the
            adapter does not fit it.
    """
    folder = files.folder
    if files.config.get("model_type") == LlamaCppConfig.model_type:
        return LlamaCppConfig(**files.config)
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        config.get_text_config()  # raises for configurations without one
    except Exception as error:  # the library raises many kinds for files it cannot use
        if "auto_map" in files.config:
            raise needs_code(folder) from error
        raise unknown_model(folder, error) from error
    why = _why_not_causal(config)
    if why:
        raise CheckpointError(
            f"The model in {folder} can read text but not continue it",
            evidence=why,
            next_step="Choose a causal language model.",
        )
    adapter = files.adapter
    if adapter is not None and not adapter.is_gguf:
        check_adapter(adapter, config)
    return config


def _why_not_causal(config: PretrainedConfig) -> str:
    """The reason why a model of ``config`` is not a causal language model, or an empty text."""
    kind = config.model_type
    heads = config.architectures if isinstance(config.architectures, list) else []
    if heads and all(str(name).endswith(_OTHER_HEADS) for name in heads):
        return f"it is a {heads[0]}"
    if kind == "xlm" and not config.causal:
        return "xlm is an encoder, unless it was trained to be causal"
    if kind == "xlnet":
        return "xlnet fills in missing words from those around them"
    if kind == "reformer" and "lsh" in config.attn_layers:
        return "the attention of reformer is random: it never gives the same probabilities twice"
    if kind in ("gemma4_assistant", "gemma4_unified_assistant"):
        return f"{kind} drafts from the KV cache of another model"
    masked = kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if masked and kind not in ("reformer", "xlm") and not getattr(config, "is_decoder", False):
        return f"{kind} is an encoder"
    return ""
