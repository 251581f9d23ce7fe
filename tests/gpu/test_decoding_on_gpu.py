"""Decoding on the GPU gives the texts and rows of plain decoding on the processor, in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedModel

from app.decoding.combining import Pair
from app.decoding.decode import TextPrefix
from app.decoding.ensemble import Ensemble
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.speculative import Speculator
from app.decoding.types import GenerationConfig
from tests import tiny
from tests.decoding.test_fused_step import FULL, PROCESSORS
from tests.decoding.test_speculative_models import assert_same_up_to_ties, near
from tests.decoding.texts import GREEDY, SAMPLED, TOKENIZER, BaseClock, Text
from tests.gpu.target import capture_on

PROMPT = TOKENIZER.encode("the king said to the daughter that the night was").ids
Alphas = Callable[[], tuple[float, ...]]


def moved(models: Sequence[PreTrainedModel], device: torch.device) -> list[PreTrainedModel]:
    """The models on ``device``; one that occurs twice is moved once."""
    once = {id(model): model for model in models}
    there = {key: near(model, 0, share=0.0).to(device) for key, model in once.items()}
    return [there[id(model)] for model in models]


class Roles:
    """The same roles twice: plainly on the processor, and captured on the GPU."""

    def __init__(
        self,
        device: torch.device,
        models: Sequence[PreTrainedModel],
        pairs: Sequence[Pair],
        masked: Sequence[int] = (),
    ) -> None:
        names = [f"model {place}" for place in range(len(models))]
        usable = torch.ones(tiny.VOCABULARY, dtype=torch.bool)
        usable[list(masked)] = False
        self.prompts = [PROMPT[place % 3 :] for place in range(len(models))]
        self.plain = Ensemble(
            [TransformersLanguageModel(model) for model in models], names, pairs, usable
        )
        capture = capture_on(device)
        there = [GraphedLanguageModel(m, capture=capture) for m in moved(models, device)]
        self.captured = Ensemble(there, names, pairs, usable)

    def assert_same(
        self,
        config: GenerationConfig,
        alphas: Callable[[], Alphas] | None = None,
        prefix: TextPrefix | None = None,
        *,
        drafts: bool = False,
    ) -> Text:
        """Decode the same run both ways; ``alphas`` makes what a run asks for its alphas."""
        options = {} if prefix is None else {"prefix": prefix}
        asked = [alphas() if alphas else None for _ in range(2)]
        plain = Text(self.plain, self.prompts, config, alphas=asked[0], **options)  # type: ignore[arg-type]
        speculator = Speculator(clock=BaseClock(self.captured)) if drafts else None
        text = Text(
            self.captured,
            self.prompts,
            config,
            alphas=asked[1],
            speculator=speculator,
            **options,  # type: ignore[arg-type]
        )
        assert_same_up_to_ties(plain, text, config, self.prompts[0])
        assert self.captured.not_captured == ""
        return text


def roles(device: torch.device, architecture: str = "llama", pairs: int = 1) -> Roles:
    base = tiny.make_model(architecture, 5)
    models = [base, *(near(base, seed) for seed in range(2 * pairs))]
    return Roles(device, models, [Pair(str(n), 1 + 2 * n, 2 + 2 * n) for n in range(pairs)], (3, 9))


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [False, True])
@pytest.mark.parametrize("options", PROCESSORS)
def test_every_sampling_setting_gives_the_plain_text(
    device: torch.device, options: dict[str, float], drafts: bool
) -> None:
    config = replace(SAMPLED, **options)  # type: ignore[arg-type]
    roles(device).assert_same(config, drafts=drafts)


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [False, True])
@pytest.mark.parametrize("architecture", FULL)
def test_every_architecture_gives_the_plain_text(
    device: torch.device, architecture: str, drafts: bool
) -> None:
    roles(device, architecture, pairs=2).assert_same(SAMPLED, drafts=drafts)


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [False, True])
def test_alphas_that_move_during_a_run_give_the_plain_text(
    device: torch.device, drafts: bool
) -> None:
    def moving() -> Alphas:
        asked = 0

        def alphas() -> tuple[float, ...]:
            nonlocal asked
            asked += 1
            return (asked % 5 / 2 - 0.5,)

        return alphas

    roles(device).assert_same(GREEDY, moving, drafts=drafts)


@pytest.mark.slow
def test_a_fork_and_another_setting_after_it_give_the_plain_text(device: torch.device) -> None:
    both = roles(device)
    first = both.assert_same(GREEDY)
    kept = TextPrefix(tuple(first.ids[:9]))
    both.assert_same(GREEDY, prefix=kept, drafts=True)
    for temperature in (0.7, 1.2):
        both.assert_same(replace(SAMPLED, temperature=temperature), prefix=kept)


@pytest.mark.slow
def test_a_text_past_the_first_capacity_is_the_plain_text(device: torch.device) -> None:
    roles(device).assert_same(replace(GREEDY, max_new_tokens=90), drafts=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "alpha", "same_as"),
    [
        pytest.param("abc", 0.0, 0, id="alpha 0 is the base"),
        pytest.param("abb", 1.7, 0, id="expert and anti-expert alike are the base"),
        pytest.param("aba", 1.0, 1, id="the base as anti-expert gives the expert"),
    ],
)
def test_the_identities_of_proxy_tuning_hold(
    device: torch.device, models: str, alpha: float, same_as: int
) -> None:
    base = tiny.make_model("llama", 5)
    made = {"a": base, "b": near(base, 1, 0.2), "c": near(base, 2, 0.2)}
    chosen = [made[name] for name in models]
    both = Roles(device, chosen, [Pair("p", 1, 2)])
    both.prompts = [PROMPT] * 3
    tuned = both.assert_same(GREEDY, lambda: lambda: (alpha,))
    alone = Ensemble([TransformersLanguageModel(chosen[same_as])], ["alone"], ())
    assert tuned.ids == Text(alone, [PROMPT], GREEDY).ids
