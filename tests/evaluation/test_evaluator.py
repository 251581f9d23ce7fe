"""Batched answers, compared with plain uncached forward passes of each model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.decoding.types import GenerationConfig
from app.errors import Cancelled, PromptError
from app.evaluation import evaluator as evaluator_module
from app.evaluation.encoding import windows
from app.evaluation.evaluator import Evaluator
from app.evaluation.requests import GenerateRequest, Prompt, Score, ScoreRequest
from app.evaluation.variants import Variant, variants_of
from tests import tiny
from tests.evaluation.conftest import TEMPLATE, Load

PROMPTS = [
    "the king said",
    "How many? 12 + 30 = 42. The answer is 42. " * 6,
    "thou art the king , and the queen is in the garden with 3 apples and",
    "x",
]
ANSWERS = [" to the daughter", " 42", " pears. " * 9, "yz"]
ROLES = ["base", "expert", "antiexpert", "expert:Mood", "tuned", "tuned:Mood"]


def variants(
    loaded: LoadedRecipe, *roles: str, scales: tuple[float, ...] = (0.5, 1.0)
) -> list[Variant]:
    return variants_of(loaded.recipe, roles or ROLES, scales, lambda model: loaded.recipe)


def requests() -> list[ScoreRequest]:
    pairs = zip(PROMPTS, ANSWERS, strict=True)
    return [ScoreRequest(answer, Prompt(prompt)) for prompt, answer in pairs]


def scores(evaluator: Evaluator, asked: list[ScoreRequest], of: list[Variant]) -> list[list[Score]]:
    found = dict(evaluator.score(asked, of))
    return [found[place] for place in range(len(asked))]


class Formula:
    """s_M + Σ α (s_M⁺ − s_M⁻), from full forward passes in float64."""

    def __init__(self, family: tiny.Family) -> None:
        base, expert, anti = (model.double() for model in family.models())
        self._models = [(base, ""), (expert, TEMPLATE), (anti, ""), (base, ""), (anti, "")]
        self._tokenizer = Tokenizer.from_file(str(family.base / "tokenizer.json"))

    def decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=False)

    def ids(self, prompt: str, template: str) -> list[int]:
        text = template.replace("{prompt}", prompt) if template else prompt
        return self._tokenizer.encode(text).ids

    def rows(self, place: int, prompt: str, tokens: list[int]) -> torch.Tensor:
        """The logits that predict each of ``tokens`` after the prompt."""
        model, template = self._models[place]
        ids = self.ids(prompt, template)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids + tokens]), use_cache=False).logits[0]
        return logits[len(ids) - 1 : len(ids) - 1 + len(tokens)]

    def distribution_logits(self, variant: Variant, prompt: str, tokens: list[int]) -> torch.Tensor:
        if variant.role_index is not None:
            return self.rows(variant.role_index, prompt, tokens)
        total = self.rows(0, prompt, tokens)
        for pair, alpha in enumerate(variant.alphas):
            expert, anti = (self.rows(1 + 2 * pair + k, prompt, tokens) for k in (0, 1))
            total = total + alpha * (expert - anti)
        return total

    def score(self, variant: Variant, prompt: str, answer: str) -> Score:
        tokens = self._tokenizer.encode(prompt + answer).ids[len(self.ids(prompt, "")) :]
        logprobs = torch.log_softmax(self.distribution_logits(variant, prompt, tokens), -1)
        wanted = torch.tensor(tokens)
        return Score(
            logprobs.gather(1, wanted[:, None]).sum().item(),
            bool((logprobs.argmax(1) == wanted).all()),
            len(tokens),
        )

    def greedy(self, variant: Variant, prompt: str, count: int) -> list[int]:
        tokens: list[int] = []
        while len(tokens) < count:
            following = self.distribution_logits(variant, prompt, [*tokens, 0])[-1]
            tokens.append(int(following.argmax()))
            if tokens[-1] == 0:
                return tokens[:-1]
        return tokens


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_scores_equal_the_formula(
    architecture: str, load: Load, families: dict[str, tiny.Family]
) -> None:
    loaded, formula = load(architecture), Formula(families[architecture])
    of = variants(loaded)
    assert len(of) == 8
    found = scores(Evaluator(loaded, 4), requests(), of)
    for asked, of_text in zip(requests(), found, strict=True):
        assert asked.prompt is not None
        for variant, score in zip(of, of_text, strict=True):
            expected = formula.score(variant, asked.prompt.plain, asked.text)
            assert score.logprob == pytest.approx(expected.logprob, abs=1e-4, rel=1e-6)
            assert score.tokens == expected.tokens
            assert score.greedy == expected.greedy


@pytest.mark.slow
@settings(max_examples=15)
@given(
    texts=st.lists(
        st.tuples(st.text("the kingx 42", min_size=1, max_size=60), st.sampled_from(ANSWERS)),
        min_size=1,
        max_size=5,
    ),
    architecture=st.sampled_from(sorted(tiny.ARCHITECTURES)),
)
def test_batched_scores_equal_single_scores(
    texts: list[tuple[str, str]], architecture: str, load: Load
) -> None:
    loaded = load(architecture)
    asked = [ScoreRequest(answer, Prompt(prompt)) for prompt, answer in texts]
    of = variants(loaded)
    together = scores(Evaluator(loaded, 8), asked, of)
    single_model = [scores(Evaluator(loaded, 1), [request], of)[0] for request in asked]
    for one, other in zip(together, single_model, strict=True):
        for score, expected in zip(one, other, strict=True):
            assert score.logprob == pytest.approx(expected.logprob, abs=1e-4, rel=1e-5)
            assert score.tokens == expected.tokens


@pytest.mark.slow
def test_long_texts_are_read_in_chunks(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load("gemma2")  # whose window is shorter than the prompts
    of = variants(loaded)
    whole = scores(Evaluator(loaded, 4), requests(), of)
    monkeypatch.setattr("app.evaluation.scoring._LOGITS_AT_ONCE", 1)
    monkeypatch.setattr("app.decoding.batch_model.TOKENS_AT_ONCE", 20)
    for one, other in zip(scores(Evaluator(loaded, 4), requests(), of), whole, strict=True):
        assert [s.logprob for s in one] == pytest.approx([s.logprob for s in other], abs=1e-3)


def test_single_roles_do_not_run_other_models(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load("llama")
    of = variants(loaded)
    places = [0, 1]  # base and expert, as in ROLES
    expected = [
        [row[place] for place in places] for row in scores(Evaluator(loaded), requests(), of)
    ]
    unneeded = loaded.ensemble.models[2]
    monkeypatch.setattr(unneeded.model, "forward", None)
    single_model = scores(Evaluator(loaded), requests(), [of[place] for place in places])
    for one, other in zip(single_model, expected, strict=True):
        assert [s.logprob for s in one] == pytest.approx([s.logprob for s in other], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("role", ["base", "expert", "tuned"])
def test_greedy_texts_equal_the_formula(
    architecture: str, role: str, load: Load, families: dict[str, tiny.Family]
) -> None:
    loaded, formula = load(architecture), Formula(families[architecture])
    (variant,) = variants(loaded, role, scales=(0.7,))
    lengths = [3, 12, 7, 9]
    asked = [
        GenerateRequest(Prompt(prompt), GenerationConfig(temperature=0, max_new_tokens=length))
        for prompt, length in zip(PROMPTS, lengths, strict=True)
    ]
    found = dict(Evaluator(loaded, 4).generate(asked, variant))
    for place, (prompt, length) in enumerate(zip(PROMPTS, lengths, strict=True)):
        expected = formula.greedy(variant, prompt, length)
        assert found[place].tokens == len(expected)
        assert found[place].text == formula.decode(expected)


@pytest.mark.slow
@settings(max_examples=8)
@given(
    prompts=st.lists(st.text("the kingx 42", min_size=1, max_size=60), min_size=2, max_size=5),
    temperature=st.sampled_from([0.0, 0.7, 1.3]),
    penalty=st.sampled_from([1.0, 1.2]),
    stop=st.sampled_from([(), ("e",), ("ing", "a")]),
    architecture=st.sampled_from(sorted(tiny.ARCHITECTURES)),
)
def test_a_text_does_not_depend_on_its_batch(
    prompts: list[str],
    temperature: float,
    penalty: float,
    stop: tuple[str, ...],
    architecture: str,
    load: Load,
) -> None:
    loaded = load(architecture)
    (variant,) = variants(loaded, "tuned", scales=(1.0,))
    asked = [
        GenerateRequest(
            Prompt(prompt),
            GenerationConfig(
                temperature=temperature,
                repetition_penalty=penalty,
                seed=seed,
                stop=stop,
                max_new_tokens=3 + 4 * seed,
            ),
        )
        for seed, prompt in enumerate(prompts)
    ]
    together = dict(Evaluator(loaded, 8).generate(asked, variant))
    for place, request in enumerate(asked):
        single_model = dict(Evaluator(loaded, 1).generate([request], variant))
        assert together[place] == single_model[0]
        assert not any(text in together[place].text for text in stop)


@pytest.mark.slow
def test_texts_equal_those_of_decode(load: Load) -> None:
    from app.decoding.decode import decode

    loaded = load("llama")
    (variant,) = variants(loaded, "tuned", scales=(1.0,))
    config = GenerationConfig(temperature=0.9, seed=5, max_new_tokens=20, stop=("42",))
    asked = [GenerateRequest(Prompt(prompt), config) for prompt in PROMPTS]
    found = dict(Evaluator(loaded, 4).generate(asked, variant))
    for place, prompt in enumerate(PROMPTS):
        ids = loaded.encode(prompt)
        with torch.inference_mode():
            steps = decode(
                loaded.ensemble,
                ids,
                config,
                detokenizer=loaded.detokenizer(ids[0]),
                eos_ids=loaded.eos_ids,
                alphas=lambda: variant.alphas,
            )
            assert found[place].text == "".join(step.text for step in steps)


@pytest.mark.slow
def test_a_text_without_a_prompt_is_scored_in_windows(
    load: Load, families: dict[str, tiny.Family]
) -> None:
    loaded = load("llama")
    text = "the night was long and the sea was wide. " * 60
    ids = tiny.make_tokenizer().encode(text).ids
    assert len(ids) > tiny.CONTEXT
    (variant,) = variants(loaded, "base")
    (score,) = scores(Evaluator(loaded), [ScoreRequest(text, context=0.5)], [variant])[0]
    model = families["llama"].models()[0].double()
    total = 0.0
    for start, first, end in windows(len(ids), tiny.CONTEXT, tiny.CONTEXT // 2):
        read = ids[start : end - 1] if first else [0, *ids[: end - 1]]
        assert len(read) <= tiny.CONTEXT
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([read])).logits[0, first - end :]
        wanted = torch.tensor(ids[first:end])
        total += torch.log_softmax(logits, -1).gather(1, wanted[:, None]).sum().item()
    assert score.tokens == len(ids)
    assert score.logprob == pytest.approx(total, abs=1e-2, rel=1e-5)


@given(st.integers(0, 60), st.integers(2, 20), st.data())
def test_windows_score_every_token_once(length: int, most: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(1, most - 1))
    end = 0
    for start, first, last in windows(length, most, before):
        assert first == end < last
        read = last - 1 - start + (0 if first else 1)
        assert read <= most
        assert first == 0 or first - start >= min(before, first)
        end = last
    assert end == length


@pytest.mark.slow
def test_long_prompts_are_truncated_at_the_start(load: Load) -> None:
    loaded = load("llama")
    (variant,) = variants(loaded, "base")
    evaluator = Evaluator(loaded)
    long = "a b c d e f g h " * tiny.CONTEXT
    request = GenerateRequest(Prompt(long), GenerationConfig(temperature=0, max_new_tokens=30))
    ((_, found),) = evaluator.generate([request], variant)
    assert found.truncated
    ids = tiny.make_tokenizer().encode(long).ids[-(tiny.CONTEXT - 30) :]
    truncated = tiny.make_tokenizer().decode(ids)
    shorter = replace(request, prompt=Prompt(truncated))
    again = dict(Evaluator(loaded).generate([shorter], variant))[0]
    assert (again.text, again.truncated) == (found.text, False)
    scored = scores(evaluator, [ScoreRequest(" the king", Prompt(long))], [variant])
    assert scored[0][0].truncated
    assert scored[0][0].tokens > 0


def test_invalid_requests_are_errors(load: Load) -> None:
    loaded = load("llama")
    (variant,) = variants(loaded, "base")
    evaluator = Evaluator(loaded)
    with pytest.raises(PromptError, match="empty"):
        list(evaluator.score([ScoreRequest("", Prompt("x"))], [variant]))
    with pytest.raises(PromptError, match="longer than the context"):
        list(evaluator.score([ScoreRequest("x " * tiny.CONTEXT, Prompt("x"))], [variant]))
    config = GenerationConfig(max_new_tokens=tiny.CONTEXT)
    with pytest.raises(PromptError, match="no room"):
        list(evaluator.generate([GenerateRequest(Prompt("x"), config)], variant))


def test_cancelling_ends_at_the_next_token(load: Load) -> None:
    loaded = load("llama")
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 8

    (variant,) = variants(loaded, "tuned", scales=(1.0,))
    request = GenerateRequest(Prompt("x"), GenerationConfig(temperature=0, max_new_tokens=200))
    with pytest.raises(Cancelled):
        list(Evaluator(loaded, 1, cancelled).generate([request], variant))
    assert asked == 9


def test_cancelling_ends_scoring_at_the_next_chunk(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.evaluation.scoring._LOGITS_AT_ONCE", 1)
    loaded = load("llama")
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    (variant,) = variants(loaded, "tuned", scales=(1.0,))
    with pytest.raises(Cancelled):
        list(
            Evaluator(loaded, 1, cancelled).score(
                [ScoreRequest(ANSWERS[2], Prompt("x"))], [variant]
            )
        )
    assert asked == 5


@pytest.mark.slow
def test_a_batch_that_exceeds_memory_is_retried_smaller(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load("llama")
    of = variants(loaded, "tuned")
    expected = scores(Evaluator(loaded, 1), requests(), of)
    sizes: list[int] = []
    real = evaluator_module.score_batch

    def full(ensemble: object, batch: list[object], *rest: object) -> object:
        sizes.append(len(batch))
        if len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(ensemble, batch, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluator_module, "score_batch", full)
    found = scores(Evaluator(loaded), requests(), of)
    assert sizes == [4, 2, 1, 1, 1, 1]
    for one, other in zip(found, expected, strict=True):
        assert [s.logprob for s in one] == pytest.approx([s.logprob for s in other], abs=1e-4)
    with pytest.raises(torch.OutOfMemoryError):
        scores(Evaluator(loaded, 4), requests(), of)
