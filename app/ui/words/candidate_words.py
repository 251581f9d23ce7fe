"""Words for models on this disk: why they go together, and their sizes."""

from __future__ import annotations

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.partners import Because, Misfit, Partner, Reason
from app.ui.translation import translate


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
        Reason.OTHER_VOCABULARY: translate("Candidates", "another vocabulary: {1} ids differ"),
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
    return " · ".join([*parts, *size_words(candidate.model)])


def about_base(model: LocalModel) -> str:
    """What is known of a model that may be a base."""
    return " · ".join([*size_words(model), model.architecture])


def size_words(model: LocalModel) -> list[str]:
    """The number of parameters as the field writes it, such as 1.7B; nothing if it is unknown."""
    count = model.parameters
    if count <= 0:
        return []
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= unit:
            number = count / unit
            return [f"{number:.1f}{letter}" if number < 10 else f"{number:.0f}{letter}"]
    return [str(count)]
