"""Words for models on this disk: why they go together, and their sizes."""

from __future__ import annotations

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.partners import Because, Misfit, Partner, Reason
from app.ui.translation import translate
from app.wording import size


def reason_words(because: Because) -> str:
    """A reason in a few words, such as “same tokenizer”."""
    texts = {
        Reason.SAME_TOKENIZER: translate("Candidates", "same tokenizer"),
        Reason.FEW_IDS_DIFFER: translate("Candidates", "same tokenizer but for {1} ids"),
        Reason.INSTRUCT_OF_FAMILY: translate("Candidates", "instruct model, same family"),
        Reason.INSTRUCT: translate("Candidates", "instruct model"),
        Reason.TUNED: translate("Candidates", "tuned model"),
        Reason.ADAPTER: translate("Candidates", "adapter over {0}"),
        Reason.UNTUNED_VERSION: translate("Candidates", "{0} before it was tuned"),
        Reason.ADAPTED_MODEL: translate("Candidates", "the model that {0} adapts"),
        Reason.BASE_ITSELF: translate("Candidates", "the base itself"),
        Reason.UNTUNED: translate("Candidates", "untuned model"),
        Reason.LARGER: translate("Candidates", "larger than the base"),
        Reason.OTHER_TOKENIZER: translate("Candidates", "another tokenizer: goes through bytes"),
        Reason.OTHER_VOCABULARY: translate(
            "Candidates", "another tokenizer, and no model here that could be its anti-expert"
        ),
        Reason.MODEL_IS_MISSING: translate(
            "Candidates", "the model that it adapts is not on this disk: {0}"
        ),
        Reason.UNUSABLE: translate("Candidates", "cannot be used: {0}"),
    }
    return texts[because.reason].format(because.detail, f"{because.count:,}")


def about_candidate(candidate: Partner | Misfit) -> str:
    """Why a model goes with a base or why not, and its size."""
    reasons = candidate.reasons if isinstance(candidate, Partner) else (candidate.reason,)
    parts = [reason_words(because) for because in reasons]
    return " · ".join([*parts, *size_words(candidate.model), *place_words(candidate.model)])


def about_base(model: LocalModel) -> str:
    """What is known of a model that may be a base."""
    return " · ".join([*size_words(model), model.architecture, *place_words(model)])


def size_words(model: LocalModel) -> list[str]:
    """The number of parameters, and for a GGUF file its quantization and size.

    Such as “1.7B” and “Q4_K_M, 1.1 GB”; nothing of what is unknown.
    """
    words = [_count_words(model.parameters)] if model.parameters > 0 else []
    if model.quantization:
        words.append(f"{model.quantization}, {size(model.size)}")
    return words


def place_words(model: LocalModel) -> list[str]:
    """The program that keeps a model, and what of its settings is not used here."""
    words = [model.program] if model.program else []
    if model.unused:
        unused = ", ".join(_layer_words(layer) for layer in model.unused)
        words.append(translate("Candidates", "not used: {0}").format(unused))
    return words


def _count_words(count: int) -> str:
    """A number of parameters as the field writes it, such as 1.7B."""
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= unit:
            number = count / unit
            return f"{number:.1f}{letter}" if number < 10 else f"{number:.0f}{letter}"
    return str(count)


def _layer_words(layer: str) -> str:
    """What a layer of an Ollama manifest holds."""
    texts = {
        "adapter": translate("Candidates", "its LoRA adapter"),
        "template": translate("Candidates", "Ollama's template"),
        "system": translate("Candidates", "its system prompt"),
        "params": translate("Candidates", "its sampling settings"),
        "messages": translate("Candidates", "its messages"),
        "projector": translate("Candidates", "its image encoder"),
    }
    return texts.get(layer, layer)
