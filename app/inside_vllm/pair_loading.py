"""Loading of the pairs of a recipe beside a base that vLLM runs."""

from __future__ import annotations

from dataclasses import replace

from app.checkpoints.devices import free_bytes
from app.checkpoints.loading.loaded_pairs import LoadedPairs
from app.checkpoints.loading.loader import load_pairs
from app.checkpoints.memory.estimate import estimate_memory
from app.checkpoints.opening import OpenedRecipe, open_recipe
from app.checkpoints.preflight_report import VocabularyReport
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.vocabulary.compare import compare_vocabularies, require_shared
from app.decoding.alpha_policy import parse_policy
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.thread_choice import ThreadChoice
from app.errors import DeviceError, ModelError, RecipeError, VocabularyError

_SHARE_FOR_PACKED = 4
"""Packed copies of weights take at most one part in so many of the main memory that is free."""


def load_beside(recipe: Recipe, device: str, rows: int) -> LoadedPairs:
    """Check the recipe and load its pairs.

    Args:
        recipe: The recipe.
        device: The device of roles that name none, which is that of the base.
        rows: The number of logits that the base computes.

    Raises:
        CheckpointError: A checkpoint is missing or damaged.
        DeviceError: A device does not exist or is out of memory.
        ModelError: The logits of a model are not finite, or the base is another one.
        RecipeError: The recipe changes α from token to token.
        VocabularyError: The roles do not share a vocabulary.
    """
    require_constant_alphas(recipe)
    opened = open_recipe(_on_device(recipe, device))
    report = compare(opened)
    loaded = load_pairs(opened, report.masked_ids, spare=free_bytes("cpu") // _SHARE_FOR_PACKED)
    for model in loaded.ensemble.models:
        if isinstance(model, TransformersLanguageModel):
            model.threads = ThreadChoice(most=1)  # vLLM has bound the threads of its process
    if loaded.ensemble.vocabulary_size != rows:
        raise ModelError(
            "vLLM runs another model than the base of the recipe",
            evidence=f"it computes {rows:,} logits, the base {loaded.ensemble.vocabulary_size:,}",
            next_step="Start vLLM with the base of the recipe, as tuneshift vllm does.",
        )
    return loaded


def require_constant_alphas(recipe: Recipe) -> None:
    """Check that the recipe has no policy of alpha, since a request inside vLLM has one α per pair.

    Raises:
        RecipeError: It has one.
    """
    if not parse_policy(recipe.sampling.alpha_policy).is_constant:
        raise RecipeError(
            "Inside vLLM α cannot change from token to token",
            evidence=f"the recipe has alpha_policy = “{recipe.sampling.alpha_policy}”",
            next_step="Remove it from [sampling], or use tuneshift serve.",
        )


def compare(opened: OpenedRecipe) -> VocabularyReport:
    """Compare the vocabularies of all roles.

    Raises:
        VocabularyError: They do not share one.
    """
    report = compare_vocabularies(opened)
    require_shared(report)
    for name in sorted(report.bridged):
        raise VocabularyError(
            f"The {name} has another vocabulary than the base",
            evidence="inside vLLM all roles must share one",
            next_step="Choose a pair with the base's tokenizer, or use tuneshift serve.",
        )
    return report


def require_memory(opened: OpenedRecipe) -> None:
    """Check that the pairs fit into the memory that is free, without regard to the base.

    Raises:
        DeviceError: They do not.
    """
    base, expert, antiexpert, *others = opened.roles
    stand_in = replace(antiexpert, name=base.name)  # takes no memory beside the anti-expert
    recipe = replace(opened.recipe, base=antiexpert.spec)
    pairs = OpenedRecipe(recipe, (stand_in, expert, antiexpert, *others))
    for device in estimate_memory(pairs, {}, kept_rows=0).devices:
        if not device.fits:
            raise DeviceError(
                f"The pairs do not fit into the memory of {device.device}",
                evidence=f"needed {device.peak / 1e9:.1f} GB, free {device.free / 1e9:.1f} GB",
                next_step="Choose smaller models or another device for a pair; "
                "for another machine, --dry-run prints the command.",
            )


def _on_device(recipe: Recipe, device: str) -> Recipe:
    """The recipe with the pairs whose device is ``auto`` on ``device``."""

    def placed(spec: CheckpointSpec) -> CheckpointSpec:
        return replace(spec, device=device) if spec.device == "auto" else spec

    pairs = tuple(
        replace(pair, expert=placed(pair.expert), antiexpert=placed(pair.antiexpert))
        for pair in recipe.pairs
    )
    return replace(recipe, pairs=pairs)
