"""Speculative decoding of real architectures, where blocks and single tokens round differently."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    FalconMambaConfig,
    Lfm2Config,
    PretrainedConfig,
    PreTrainedModel,
)

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.recipes.recipe_file import find_recipe
from app.decoding.combining import Pair
from app.decoding.decode import TextPrefix
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.sampling import process_logits
from app.decoding.speculative import Speculator
from app.decoding.types import GenerationConfig, TokenStep
from tests import tiny
from tests.decoding.texts import GREEDY, SAMPLED, TOKENIZER, BaseClock, Text

ROUNDING = 1e-4
"""How far raw logits of one position may be apart, read in a block or alone."""
_PROMPTS = [
    "the king said to the",
    "thou art the queen of",
    "How many? 12 + 30 =",
    "the night was long, the sea was wide and the night was long, the",
    "a",
]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def near(model: PreTrainedModel, seed: int, share: float = 0.03) -> PreTrainedModel:
    """A copy whose weights are a little off: what it samples is mostly what ``model`` samples."""
    moved = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    for parameter in moved.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.add_(noise * share * parameter.std() if parameter.numel() > 1 else 0)
    return moved


def ensemble_of(models: Sequence[PreTrainedModel], pairs: Sequence[Pair]) -> Ensemble:
    names = [f"model {place}" for place in range(len(models))]
    return Ensemble([TransformersLanguageModel(model) for model in models], names, pairs)


def tuned(step: TokenStep) -> np.ndarray:
    """The combined logits out of what a step recorded."""
    logits = step.logits
    pairs = zip(step.alphas, logits.experts, logits.antiexperts, strict=True)
    shift = sum(alpha * (mine - its) for alpha, mine, its in pairs)
    return np.where(np.isfinite(logits.base), logits.base + shift, np.float32(-np.inf))


def assert_same_up_to_ties(
    plain: Text, speculative: Text, config: GenerationConfig, prompt: Sequence[int]
) -> bool:
    """Equal ids and rows, up to a tie: rows that round differently and so draw differently.

    Returns:
        Whether there was no tie.
    """
    for place, (expected, step) in enumerate(zip(plain.steps, speculative.steps, strict=False)):
        rows = zip(
            (expected.logits.base, *expected.logits.experts, *expected.logits.antiexperts),
            (step.logits.base, *step.logits.experts, *step.logits.antiexperts),
            strict=True,
        )
        for one, other in rows:
            np.testing.assert_allclose(one, other, atol=ROUNDING, rtol=0)
        if step.token_id != expected.token_id:
            history = np.array([*prompt, *plain.ids[:place]])
            for mine in (expected, step):  # each is what its own rows draw
                found = process_logits(tuned(mine), history, config)
                assert found.sample(config.seed, mine.index)[0] == mine.token_id
            return False
        assert step.sampled_probability == pytest.approx(expected.sampled_probability, abs=1e-3)
    assert (speculative.ids, speculative.text) == (plain.ids, plain.text)
    assert speculative.reason is plain.reason
    return True


def configs(prompts: int) -> Iterator[GenerationConfig]:
    """Greedy and sampled in turn, with and without a repetition penalty."""
    for number in range(prompts):
        config = (GREEDY, SAMPLED)[number % 2]
        penalty = 1.2 if number % 4 > 1 else 1.0
        yield replace(config, seed=number, repetition_penalty=penalty, max_new_tokens=10)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("pairs", [1, 2])
def test_the_text_is_that_of_plain_decoding(
    families: dict[str, tiny.Family], architecture: str, pairs: int
) -> None:
    base = families[architecture].models()[0]
    models = [base, *(near(base, seed) for seed in range(2 * pairs))]
    places = [Pair(str(i), 1 + 2 * i, 2 + 2 * i) for i in range(pairs)]
    ensemble = ensemble_of(models, places)
    speculator = Speculator(clock=BaseClock(ensemble))
    accepted = same = 0
    for number, config in enumerate(configs(25)):
        prompt = TOKENIZER.encode(_PROMPTS[number % 5] + " the" * (number // 5)).ids
        prompts = [prompt] * len(models)
        plain = Text(ensemble, prompts, config)
        speculative = Text(ensemble, prompts, config, speculator=speculator)
        same += assert_same_up_to_ties(plain, speculative, config, prompt)
        accepted += speculator.stats.total.accepted
    assert same >= 24
    assert accepted > 50


@pytest.fixture(scope="module")
def demo() -> LoadedRecipe:
    recipe = find_recipe("demo")
    exact = replace(
        recipe,
        base=replace(recipe.base, dtype="float32"),
        pairs=tuple(
            replace(
                pair,
                expert=replace(pair.expert, dtype="float32"),
                antiexpert=replace(pair.antiexpert, dtype="float32"),
            )
            for pair in recipe.pairs
        ),
    )
    return load_recipe(open_recipe(exact), ())


@pytest.mark.slow
def test_the_demo_is_the_same_text(demo: LoadedRecipe) -> None:
    """Its own processors, two pairs that share an anti-expert, and weights that mean something."""
    openings = ["KING:\n", "12 + 7 =", "Once upon a time there was a girl", "To be, or not to be"]
    speculator = Speculator(clock=BaseClock(demo.ensemble))
    same = accepted = 0
    for number in range(8):
        config = replace(
            demo.recipe.sampling,
            max_new_tokens=20,
            seed=number,
            temperature=(0.0, 0.8)[number % 2],
        )
        prompts = demo.encode(openings[number // 2])
        options = {"alphas": lambda: (1.5, 0.3), "eos_ids": demo.eos_ids}
        plain = Text(demo.ensemble, prompts, config, **options)
        speculative = Text(demo.ensemble, prompts, config, speculator=speculator, **options)
        same += assert_same_up_to_ties(plain, speculative, config, prompts[0])
        accepted += speculator.stats.total.accepted
    assert same >= 7
    assert accepted > 40


_SHAPE = {
    "vocab_size": tiny.VOCABULARY,
    "hidden_size": 32,
    "eos_token_id": 0,
    "bos_token_id": None,
    "pad_token_id": 0,
}


def with_state(config: PretrainedConfig) -> list[PreTrainedModel]:
    """A base, an expert and an anti-expert that are close to it."""
    torch.manual_seed(3)
    base = AutoModelForCausalLM.from_config(config).eval()
    for parameter in base.parameters():
        if parameter.ndim == 2:
            parameter.normal_(0, 0.15)
    return [base, near(base, 1), near(base, 2)]


def check_rows(text: Text, models: Sequence[PreTrainedModel], prompt: list[int]) -> None:
    """Every recorded row against a forward without a cache."""
    tokens = torch.tensor([[*prompt, *text.ids]])
    places = slice(len(prompt) - 1, -1)
    base, expert, anti = (model(input_ids=tokens, use_cache=False).logits[0] for model in models)
    for step, *rows in zip(text.steps, base[places], expert[places], anti[places], strict=True):
        logits = step.logits
        for mine, its in zip(
            (logits.base, *logits.experts, *logits.antiexperts), rows, strict=True
        ):
            np.testing.assert_allclose(mine, its, atol=ROUNDING, rtol=0)


@pytest.mark.slow
def test_a_model_with_a_state_decodes_plainly() -> None:
    config = FalconMambaConfig(num_hidden_layers=2, state_size=4, **_SHAPE)
    models = with_state(config)
    ensemble, speculator = ensemble_of(models, [Pair("p", 1, 2)]), Speculator()
    prompt = TOKENIZER.encode("the king said to the daughter").ids
    text = Text(ensemble, [prompt] * 3, SAMPLED, speculator=speculator)
    assert (speculator.stats.unrewindable, speculator.stats.plain) == ("model 0", 23)
    check_rows(text, models, prompt)
    scored = Text(ensemble, [prompt] * 3, SAMPLED, prefix=TextPrefix(forced=tuple(text.ids)))
    check_rows(scored, models, prompt)


@pytest.mark.slow
def test_convolutions_are_rewound_and_forks_read_again_what_they_forgot() -> None:
    config = Lfm2Config(
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        layer_types=["conv", "full_attention", "conv"],
        **_SHAPE,
    )
    models = with_state(config)
    ensemble = ensemble_of(models, [Pair("p", 1, 2)])
    speculator = Speculator(clock=BaseClock(ensemble))
    prompt = TOKENIZER.encode("the king said to the daughter").ids
    sampled = replace(SAMPLED, max_new_tokens=40)
    for _ in range(2):
        text = Text(ensemble, [prompt] * 3, sampled, speculator=speculator)
        check_rows(text, models, prompt)
    assert speculator.stats.total.accepted < speculator.stats.total.tested  # it was rewound
    for place in (9, 21, 4):
        prefix = TextPrefix(tuple(text.ids[:place]))
        fork = Text(ensemble, [prompt] * 3, sampled, prefix=prefix, speculator=speculator)
        assert fork.ids == text.ids[place:]
        check_rows(fork, models, [*prompt, *text.ids[:place]])
