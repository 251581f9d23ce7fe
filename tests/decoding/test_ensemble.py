"""The ensemble against plain, uncached forwards of its models, combined by the formula."""

from __future__ import annotations

import sys

import pytest
import torch
from transformers import PreTrainedModel

from app.decoding import model_context
from app.decoding.combining import Pair
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import TransformersLanguageModel
from app.errors import Cancelled, ModelError, PromptError
from tests import tiny
from tests.reliability.children import run_python

PROMPT = [5, 80, 261, 300, 17, 42, 99, 300, 12, 7, 260, 33]
NEXT = [44, 261, 9, 120]


@pytest.fixture(autouse=True)
def inference() -> object:
    with torch.inference_mode():
        yield


def uncached(model: PreTrainedModel, tokens: list[int]) -> torch.Tensor:
    """Logits after the last token, by one forward without a cache."""
    return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1].float()


def ensemble_of(models: list[PreTrainedModel], pairs: list[Pair]) -> Ensemble:
    names = [f"model {place}" for place in range(len(models))]
    return Ensemble([TransformersLanguageModel(model) for model in models], names, pairs)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("alpha", [1.0, -0.7])
def test_logits_equal_uncached_forwards(
    families: dict[str, tiny.Family], architecture: str, alpha: float
) -> None:
    models = families[architecture].models()
    ensemble = ensemble_of(models, [Pair("p", 1, 2)])
    logits = ensemble.prefill([PROMPT] * 3)
    for count in range(len(NEXT) + 1):
        base, expert, anti = (uncached(model, PROMPT + NEXT[:count]) for model in models)
        expected = base + alpha * (expert - anti)
        torch.testing.assert_close(logits.combined(0, [alpha]), expected, atol=1e-4, rtol=0)
        if count < len(NEXT):
            logits = ensemble.extend([NEXT[count]])
    assert ensemble.length == len(NEXT)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_blocks_and_rewinding_change_nothing(
    families: dict[str, tiny.Family], architecture: str
) -> None:
    models = families[architecture].models()
    ensemble = ensemble_of(models, [Pair("p", 1, 2)])
    ensemble.prefill([PROMPT] * 3)
    ensemble.extend([1, 2, 3])
    ensemble.rewind(1)
    logits = ensemble.extend(NEXT, last=2)
    for place in (0, 1):
        prefix = [*PROMPT, 1, *NEXT[: len(NEXT) - 1 + place]]
        for row, model in zip(logits.rows[:, place], models, strict=True):
            torch.testing.assert_close(row, uncached(model, prefix), atol=1e-4, rtol=0)


def test_prefill_in_chunks_equals_one_forward(
    families: dict[str, tiny.Family], monkeypatch: pytest.MonkeyPatch
) -> None:
    models = families["gemma2"].models()
    monkeypatch.setattr(model_context, "PREFILL_CHUNK", 5)
    logits = ensemble_of(models, [Pair("p", 1, 2)]).prefill([PROMPT] * 3)
    for row, model in zip(logits.rows[:, 0], models, strict=True):
        torch.testing.assert_close(row, uncached(model, PROMPT), atol=1e-4, rtol=0)


def test_each_role_keeps_its_own_prompt(llama: tiny.Family) -> None:
    models = llama.models()
    prompts = [PROMPT, PROMPT[3:], [1, *PROMPT]]
    ensemble = ensemble_of(models, [Pair("p", 1, 2)])
    ensemble.prefill(prompts)
    logits = ensemble.extend(NEXT)
    for row, model, prompt in zip(logits.rows[:, 0], models, prompts, strict=True):
        torch.testing.assert_close(row, uncached(model, prompt + NEXT), atol=1e-4, rtol=0)


def test_several_pairs_add_up_and_share_an_evaluation(llama: tiny.Family) -> None:
    base, expert, anti = llama.models()
    other = tiny.make_model("llama", 7)
    ensemble = ensemble_of([base, expert, anti, other], [Pair("a", 1, 2), Pair("b", 3, 2)])
    logits = ensemble.prefill([PROMPT] * 4)
    rows = [uncached(model, PROMPT) for model in (base, expert, anti, other)]
    expected = rows[0] + 1.5 * (rows[1] - rows[2]) - 0.5 * (rows[3] - rows[2])
    torch.testing.assert_close(logits.combined(0, [1.5, -0.5]), expected, atol=1e-4, rtol=0)
    on_host = logits.on_host(0)
    assert on_host.antiexperts[0] is on_host.antiexperts[1]


def test_identities(llama: tiny.Family) -> None:
    base, expert, anti = llama.models()
    rows = [uncached(model, PROMPT) for model in (base, expert)]
    zero = ensemble_of([base, expert, anti], [Pair("p", 1, 2)]).prefill([PROMPT] * 3)
    torch.testing.assert_close(zero.combined(0, [0.0]), rows[0], atol=1e-5, rtol=0)
    same = ensemble_of([base, expert], [Pair("p", 1, 1)]).prefill([PROMPT] * 2)
    torch.testing.assert_close(same.combined(0, [1.7]), rows[0], atol=1e-5, rtol=0)
    swapped = ensemble_of([base, expert], [Pair("p", 1, 0)]).prefill([PROMPT] * 2)
    torch.testing.assert_close(swapped.combined(0, [1.0]), rows[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("rows", [tiny.VOCABULARY - 8, tiny.VOCABULARY + 8])
def test_ids_that_not_every_role_has_are_masked(llama: tiny.Family, rows: int) -> None:
    base = llama.models()[0]
    expert, anti = (tiny.make_model("llama", seed, rows) for seed in (5, 6))
    usable = torch.ones(tiny.VOCABULARY, dtype=torch.bool)
    usable[rows:] = False
    usable[3] = False
    models = [TransformersLanguageModel(model) for model in (base, expert, anti)]
    ensemble = Ensemble(models, ["a", "b", "c"], [Pair("p", 1, 2)], usable)
    logits = ensemble.prefill([PROMPT[:1]] * 3)
    combined = logits.combined(0, [1.0])
    assert torch.isneginf(combined[~usable]).all()
    expected = uncached(base, PROMPT[:1]).clone()
    shared = min(rows, tiny.VOCABULARY)
    difference = uncached(expert, PROMPT[:1]) - uncached(anti, PROMPT[:1])
    expected[:shared] += difference[:shared]
    torch.testing.assert_close(combined[usable], expected[usable], atol=1e-4, rtol=0)


def test_logits_that_are_not_numbers_name_the_role(llama: tiny.Family) -> None:
    models = llama.models()
    with torch.no_grad():
        models[1].lm_head.weight[7] = float("nan")
    ensemble = ensemble_of(models, [Pair("p", 1, 2)])
    with pytest.raises(ModelError, match="model 1"):
        ensemble.prefill([PROMPT] * 3)


def test_prompts_are_checked(llama: tiny.Family) -> None:
    ensemble = ensemble_of(llama.models(), [Pair("p", 1, 2)])
    with pytest.raises(PromptError, match="empty"):
        ensemble.prefill([PROMPT, [], PROMPT])
    with pytest.raises(PromptError, match="context of the model 2"):
        ensemble.prefill([PROMPT, PROMPT, [1] * tiny.CONTEXT])
    ensemble.prefill([PROMPT, PROMPT, [1] * (tiny.CONTEXT - 3)])
    assert ensemble.remaining_context == 3


def test_prefill_can_be_cancelled_between_chunks(
    llama: tiny.Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_context, "PREFILL_CHUNK", 4)
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        ensemble_of(llama.models(), [Pair("p", 1, 2)]).prefill([PROMPT] * 3, lambda: next(asked))


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_any_number_of_pairs_adds_up(llama: tiny.Family, pairs: int) -> None:
    models = [llama.models()[0], *(tiny.make_model("llama", seed) for seed in range(2 * pairs))]
    places = [Pair(str(index), 1 + 2 * index, 2 + 2 * index) for index in range(pairs)]
    alphas = [1.0, -0.5, 2.0][:pairs]
    ensemble = ensemble_of(models, places)
    ensemble.prefill([PROMPT] * len(models))
    logits = ensemble.extend(NEXT)
    rows = [uncached(model, PROMPT + NEXT) for model in models]
    expected = rows[0].clone()
    for alpha, expert, anti in zip(alphas, rows[1::2], rows[2::2], strict=True):
        expected += alpha * (expert - anti)
    torch.testing.assert_close(logits.combined(0, alphas), expected, atol=1e-4, rtol=0)


def test_a_shared_evaluation_is_computed_once(llama: tiny.Family) -> None:
    """The base as the second expert, one anti-expert for both: three forwards for five roles."""
    models = llama.models()
    calls = [0, 0, 0]
    for place, model in enumerate(models):

        def count(*_: object, place: int = place) -> None:
            calls[place] += 1

        model.register_forward_hook(count)
    ensemble = ensemble_of(models, [Pair("a", 1, 2), Pair("b", 0, 2)])
    ensemble.prefill([PROMPT] * 3)
    ensemble.extend([1])
    assert calls == [2, 2, 2]


def test_two_model_contexts_of_one_model_keep_their_own_past(llama: tiny.Family) -> None:
    """The same weights with two prompts, as a model that is its own expert under an instruction."""
    base, anti, _ = llama.models()
    ensemble = ensemble_of([base, base, anti], [Pair("p", 1, 2)])
    prompts = [PROMPT, [9, 8, 7, *PROMPT], PROMPT]
    ensemble.prefill(prompts)
    logits = ensemble.extend(NEXT)
    for row, model, prompt in zip(logits.rows[:, 0], (base, base, anti), prompts, strict=True):
        torch.testing.assert_close(row, uncached(model, prompt + NEXT), atol=1e-4, rtol=0)


def test_a_prefill_forgets_what_was_read_before(llama: tiny.Family) -> None:
    models = llama.models()
    ensemble = ensemble_of(models, [Pair("p", 1, 2)])
    ensemble.prefill([NEXT] * 3)
    ensemble.extend(NEXT)
    logits = ensemble.prefill([PROMPT] * 3)
    assert ensemble.length == 0
    for row, model in zip(logits.rows[:, 0], models, strict=True):
        torch.testing.assert_close(row, uncached(model, PROMPT), atol=1e-4, rtol=0)


_DROPPED_ROWS = """
import psutil
import torch
from app.attribution.row_store import RowBudget, RowStore
from app.checkpoints.memory.heap import RowHoles
from app.decoding.combining import Pair
from app.decoding.ensemble import EnsembleLogits
from app.decoding.types import TokenStep

source = torch.randn(3, 1, 40_000, generator=torch.Generator().manual_seed(0))
store = RowStore(RowBudget(5_000_000))
holes = RowHoles(3, 40_000)

def resident_after(first, last):
    for index in range(first, last):
        rows = torch.stack([row.clone() for row in source])
        logits = EnsembleLogits(rows, (Pair("p", 1, 2),))
        store.add(TokenStep(index, 1, "", 0, (1.0,), logits.on_host(0), 1.0))
        holes.add_token()
    return psutil.Process().memory_info().rss

before = resident_after(0, 50)
print(resident_after(50, 1050) - before)
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="the heap of glibc")
def test_rows_that_are_dropped_make_room_for_new_ones() -> None:
    """In a process of its own, whose heap has no holes that other tests left."""
    done = run_python(_DROPPED_ROWS)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 80_000_000  # the rows of 1,000 tokens are 480 MB
