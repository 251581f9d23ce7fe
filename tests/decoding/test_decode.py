"""Decoding against a loop of plain forwards, and everything that can end or change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from app.decoding import model_context
from app.decoding.combining import Pair
from app.decoding.decode import NO_PREFIX, TextPrefix, decode
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.sampling import process_logits
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from app.errors import ModelError, PromptError
from tests import tiny

TOKENIZER = tiny.make_tokenizer()
PROMPT = TOKENIZER.encode("the king said").ids
GREEDY = GenerationConfig(max_new_tokens=16, temperature=0.0)


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


class Decoding:
    """One run of :func:`decode` over three models, with its steps and its end."""

    def __init__(
        self,
        models: list[PreTrainedModel],
        config: GenerationConfig,
        *,
        alphas: Callable[[], tuple[float, ...]] = lambda: (1.0,),
        eos_ids: tuple[int, ...] = (),
        cancelled: Callable[[], bool] = lambda: False,
        prompt: list[int] = PROMPT,
        prefix: TextPrefix = NO_PREFIX,
        ensemble: Ensemble | None = None,
    ) -> None:
        self.ensemble = ensemble or Ensemble(
            [TransformersLanguageModel(model) for model in models], "abc", [Pair("p", 1, 2)]
        )
        self.steps: list[TokenStep] = []
        generator = decode(
            self.ensemble,
            [prompt] * (1 + 2 * len(self.ensemble.pairs)),
            config,
            detokenizer=Detokenizer(TOKENIZER, prompt),
            eos_ids=eos_ids,
            alphas=alphas,
            cancelled=cancelled,
            prefix=prefix,
        )
        while True:
            try:
                self.steps.append(next(generator))
            except StopIteration as end:
                self.reason: FinishReason = end.value
                break

    @property
    def ids(self) -> list[int]:
        return [step.token_id for step in self.steps]

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps)


def plain_loop(
    models: list[PreTrainedModel], config: GenerationConfig, alpha: float, count: int
) -> list[int]:
    """Uncached forwards over the whole sequence for every token."""
    ids: list[int] = []
    for position in range(count):
        tokens = torch.tensor([PROMPT + ids])
        base, expert, anti = (m(input_ids=tokens, use_cache=False).logits[0, -1] for m in models)
        tuned = (base + alpha * (expert - anti)).float().numpy()
        ids.append(
            process_logits(tuned, tokens[0].numpy(), config).sample(config.seed, position)[0]
        )
    return ids


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.5])
def test_greedy_tokens_equal_a_plain_loop(
    families: dict[str, tiny.Family], architecture: str, alpha: float
) -> None:
    models = families[architecture].models()
    done = Decoding(models, GREEDY, alphas=lambda: (alpha,))
    ids: list[int] = []
    for step in done.steps:
        tokens = torch.tensor([PROMPT + ids])
        base, expert, anti = (m(input_ids=tokens, use_cache=False).logits[0, -1] for m in models)
        tuned = base + alpha * (expert - anti)
        # the choice is the highest logit; where two are as good as equal either may win
        assert tuned[step.token_id] >= tuned.max() - 1e-4
        torch.testing.assert_close(torch.from_numpy(step.logits.base), base, atol=1e-4, rtol=0)
        torch.testing.assert_close(
            torch.from_numpy(step.logits.experts[0]), expert, atol=1e-4, rtol=0
        )
        torch.testing.assert_close(
            torch.from_numpy(step.logits.antiexperts[0]), anti, atol=1e-4, rtol=0
        )
        ids.append(step.token_id)
    assert len(ids) == GREEDY.max_new_tokens
    assert done.reason is FinishReason.LENGTH


@pytest.mark.slow
def test_sampled_tokens_equal_a_plain_loop_with_the_same_noise(llama: tiny.Family) -> None:
    models = llama.models()
    config = GenerationConfig(
        max_new_tokens=20, temperature=0.9, top_p=0.9, repetition_penalty=1.2, seed=11
    )
    assert Decoding(models, config).ids == plain_loop(models, config, 1.0, 20)


@pytest.mark.slow
def test_the_repetition_penalty_reads_prompt_and_text(llama: tiny.Family) -> None:
    models = llama.models()
    config = GenerationConfig(max_new_tokens=20, temperature=0.0, repetition_penalty=3.0)
    ids = Decoding(models, config).ids
    assert ids == plain_loop(models, config, 1.0, 20)
    assert ids != Decoding(models, GenerationConfig(max_new_tokens=20, temperature=0.0)).ids


@pytest.mark.slow
def test_frequency_and_presence_penalty_count_generated_tokens_alone(llama: tiny.Family) -> None:
    models = llama.models()
    config = GenerationConfig(
        max_new_tokens=20, temperature=0.0, frequency_penalty=-2.0, presence_penalty=-2.0
    )
    ids: list[int] = []
    for _ in range(20):
        tokens = torch.tensor([PROMPT + ids])
        base, expert, anti = (m(input_ids=tokens, use_cache=False).logits[0, -1] for m in models)
        scores = base + expert - anti
        for token_id in ids:
            scores[token_id] += 2.0
        for token_id in set(ids):
            scores[token_id] += 2.0
        ids.append(int(scores.argmax()))
    assert Decoding(models, config).ids == ids
    assert ids != Decoding(models, GenerationConfig(max_new_tokens=20, temperature=0.0)).ids


@pytest.mark.slow
def test_identities_in_tokens(llama: tiny.Family) -> None:
    base, expert, anti = llama.models()
    alone = Decoding([base, anti, anti], GREEDY).ids  # expert ≡ anti-expert is the base
    assert Decoding([base, expert, anti], GREEDY, alphas=lambda: (0.0,)).ids == alone
    expert_alone = Decoding([expert, anti, anti], GREEDY).ids
    assert Decoding([base, expert, base], GREEDY).ids == expert_alone


@pytest.mark.slow
def test_the_seed_decides(llama: tiny.Family) -> None:
    models = llama.models()
    texts = [
        Decoding(models, GenerationConfig(max_new_tokens=24, temperature=1.5, seed=seed)).ids
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_a_changed_alpha_acts_on_the_next_token(llama: tiny.Family) -> None:
    models = llama.models()
    values = iter([0.5, 0.5, 3.0, -1.0, *[0.0] * 20])
    config = GenerationConfig(max_new_tokens=6, temperature=0.0)
    done = Decoding(models, config, alphas=lambda: (next(values),))
    assert [step.alphas for step in done.steps] == [
        (0.5,), (0.5,), (3.0,), (-1.0,), (0.0,), (0.0,),
    ]  # fmt: skip
    for step in done.steps:
        logits = step.logits
        tuned = logits.base + step.alphas[0] * (logits.experts[0] - logits.antiexperts[0])
        assert tuned[step.token_id] >= tuned.max() - 1e-4


def test_cancel_ends_before_the_next_token(llama: tiny.Family) -> None:
    asked = iter([False] * 3 + [False] * 4 + [True])  # three prefills, then tokens
    done = Decoding(llama.models(), GREEDY, cancelled=lambda: next(asked))
    assert done.reason is FinishReason.CANCELLED
    assert len(done.steps) == 4


def test_cancel_during_prefill(llama: tiny.Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_context, "PREFILL_CHUNK", 2)
    done = Decoding(llama.models(), GREEDY, cancelled=lambda: True)
    assert (done.reason, done.steps) == (FinishReason.CANCELLED, [])


@pytest.mark.slow
def test_an_end_of_sequence_id_of_any_role_ends_the_text(llama: tiny.Family) -> None:
    models = llama.models()
    ids = Decoding(models, GREEDY).ids
    place = next(i for i in range(2, len(ids)) if ids[i] not in ids[:i])
    done = Decoding(models, GREEDY, eos_ids=(999_999, ids[place]))
    assert done.reason is FinishReason.EOS
    assert done.ids == ids[:place]
    assert done.ensemble.length == place  # the end itself was not read


@pytest.mark.slow
def test_a_stop_string_ends_the_text(llama: tiny.Family) -> None:
    models = llama.models()
    whole = Decoding(models, GREEDY)
    stop = whole.text[5:8]
    config = GenerationConfig(max_new_tokens=16, temperature=0.0, stop=(stop,))
    done = Decoding(models, config)
    assert done.reason is FinishReason.STOP
    assert done.text == whole.text[: whole.text.index(stop)]
    assert done.ids == whole.ids[: len(done.ids)]


@pytest.mark.slow
def test_a_full_context_ends_the_text_and_is_no_token_limit(llama: tiny.Family) -> None:
    prompt = [5] * (tiny.CONTEXT - 3)
    done = Decoding(llama.models(), GREEDY, prompt=prompt)
    assert (done.reason, len(done.ids)) == (FinishReason.CONTEXT, 3)
    exact = replace(GREEDY, max_new_tokens=3)
    assert Decoding(llama.models(), exact, prompt=prompt).reason is FinishReason.LENGTH
    with pytest.raises(PromptError, match="context"):
        Decoding(llama.models(), GREEDY, prompt=[5] * tiny.CONTEXT)


def test_the_probability_after_the_processors_is_recorded(llama: tiny.Family) -> None:
    config = GenerationConfig(max_new_tokens=8, temperature=0.7, top_k=4, top_p=1.0, seed=2)
    for step in Decoding(llama.models(), config).steps:
        logits = step.logits
        tuned = logits.base + (logits.experts[0] - logits.antiexperts[0])
        kept = np.exp(np.sort(tuned.astype(np.float64))[-4:] / 0.7)
        expected = np.exp(float(tuned[step.token_id]) / 0.7) / kept.sum()
        assert step.sampled_probability == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_text_that_was_held_back_is_released_before_an_error(llama: tiny.Family) -> None:
    """A stop string is forming when the model begins to compute NaN."""
    models = llama.models()
    whole = Decoding(models, GREEDY)
    place = next(i for i, step in enumerate(whole.steps) if i > 2 and step.text.isascii())
    stop = whole.steps[place].text + "\0"
    released: list[TokenStep] = []
    ensemble = Ensemble([TransformersLanguageModel(m) for m in models], "abc", [Pair("p", 1, 2)])
    asked = 0

    def break_the_expert() -> tuple[float, ...]:
        nonlocal asked
        asked += 1
        if asked == place + 1:
            models[1].lm_head.weight[7] = float("nan")
        return (1.0,)

    generator = decode(
        ensemble,
        [PROMPT] * 3,
        GenerationConfig(max_new_tokens=16, temperature=0.0, stop=(stop,)),
        detokenizer=Detokenizer(TOKENIZER, PROMPT),
        eos_ids=(),
        alphas=break_the_expert,
    )
    with pytest.raises(ModelError, match="The b computed"):
        released.extend(generator)
    assert [step.token_id for step in released] == whole.ids[: place + 1]


@pytest.mark.slow
def test_an_unfinished_character_at_the_end_is_a_replacement(llama: tiny.Family) -> None:
    """Every length of text, so that some end inside a character, and spans stay exact."""
    models = llama.models()
    ended_inside = False
    for count in range(1, 17):
        config = GenerationConfig(max_new_tokens=count, temperature=2.0, top_p=1.0, seed=1)
        done = Decoding(models, config)
        assert done.text == TOKENIZER.decode(done.ids, skip_special_tokens=False)
        assert len(done.steps) == count
        assert [step.start for step in done.steps[1:]] == [step.end for step in done.steps[:-1]]
        ended_inside |= done.text.endswith("\ufffd")
    assert ended_inside


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_scoring_a_generated_text_gives_what_was_recorded(
    families: dict[str, tiny.Family], architecture: str
) -> None:
    models = families[architecture].models()
    config = GenerationConfig(max_new_tokens=40, temperature=1.0, top_p=0.9, seed=3)
    drawn = Decoding(models, config)
    scored = Decoding(models, config, prefix=TextPrefix(forced=tuple(drawn.ids)))
    assert scored.ids == drawn.ids
    assert scored.text == drawn.text
    assert all(step.forced for step in scored.steps)
    for given, step in zip(scored.steps, drawn.steps, strict=True):
        assert (given.start, given.text) == (step.start, step.text)
        np.testing.assert_allclose(given.logits.base, step.logits.base, atol=1e-4)
        np.testing.assert_allclose(given.logits.experts[0], step.logits.experts[0], atol=1e-4)
        assert given.sampled_probability == pytest.approx(step.sampled_probability, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("fork_at", [0, 1, 7, 19])
def test_a_fork_goes_on_as_a_fresh_run_with_the_same_prefix(
    families: dict[str, tiny.Family], architecture: str, fork_at: int
) -> None:
    models = families[architecture].models()
    config = replace(GREEDY, max_new_tokens=20, temperature=1.0, seed=5)
    first = Decoding(models, config)
    kept, other = tuple(first.ids[:fork_at]), (first.ids[fork_at] + 1) % 200
    prefix = TextPrefix(kept, (other,))
    fork = Decoding(models, config, prefix=prefix, ensemble=first.ensemble)
    fresh = Decoding(models, config, prefix=TextPrefix(forced=(*kept, other)))
    assert fork.ids == fresh.ids[fork_at:]
    assert [step.index for step in fork.steps] == list(range(fork_at, 20))
    assert [step.start for step in fork.steps] == [step.start for step in fresh.steps[fork_at:]]
    for step, expected in zip(fork.steps, fresh.steps[fork_at:], strict=True):
        np.testing.assert_allclose(step.logits.base, expected.logits.base, atol=1e-4)


@pytest.mark.slow
def test_a_fork_reads_only_what_is_new(llama: tiny.Family) -> None:
    first = Decoding(llama.models(), GREEDY)
    read: list[int] = []
    for evaluation in first.ensemble._contexts:
        extend = evaluation.model.extend

        def counted(tokens: torch.Tensor, last: int = 1, extend: object = extend) -> torch.Tensor:
            read.append(len(tokens))
            return extend(tokens, last)  # type: ignore[operator]

        evaluation.model.extend = counted  # type: ignore[method-assign]
    prefix = TextPrefix(tuple(first.ids[:5]), (9,))
    config = replace(GREEDY, max_new_tokens=6)
    Decoding([], config, prefix=prefix, ensemble=first.ensemble)
    assert read == [1, 1, 1] * 2  # the last kept token again, and the other one


@pytest.mark.slow
def test_one_role_alone_is_that_model(llama: tiny.Family) -> None:
    models = llama.models()
    whole = Decoding(models, GREEDY)
    alone = Decoding(models, GREEDY, ensemble=whole.ensemble.only(1), alphas=lambda: ())
    assert alone.ids == Decoding([models[1]] * 3, GREEDY).ids
    again = Decoding(models, GREEDY, ensemble=whole.ensemble)
    assert again.ids == whole.ids


@pytest.mark.slow
def test_an_end_of_sequence_inside_a_given_text_does_not_end_it(llama: tiny.Family) -> None:
    given = TextPrefix(forced=(11, 12, 13))
    config = replace(GREEDY, max_new_tokens=3)
    assert Decoding(llama.models(), config, prefix=given, eos_ids=(12,)).ids == [11, 12, 13]
    ended = Decoding(llama.models(), GREEDY, prefix=given, eos_ids=(13,))
    assert (ended.ids, ended.reason) == ([11, 12], FinishReason.EOS)


def test_a_given_text_that_is_too_long_is_refused(llama: tiny.Family) -> None:
    models = llama.models()
    ensemble = Ensemble(
        [TransformersLanguageModel(model, 20) for model in models], "abc", [Pair("p", 1, 2)]
    )
    with pytest.raises(PromptError, match="The text is longer than the context"):
        Decoding(models, GREEDY, prefix=TextPrefix(forced=(1,) * 50), ensemble=ensemble)
