"""Whole steps, uncaptured on the CPU, against plain decoding of the same models."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from app.attribution.step_attribution import candidates_of
from app.decoding import fused_step
from app.decoding.capturing import (
    Action,
    Capture,
    CaptureError,
    Computation,
    CudaGraphs,
    Mirror,
    uncaptured,
)
from app.decoding.combining import Pair
from app.decoding.decode import NO_PREFIX, TextPrefix
from app.decoding.ensemble import Ensemble
from app.decoding.graphs import GraphedLanguageModel, captured_size
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.row_reduction import RowReducer, RowReduction
from app.decoding.speculative import Speculator
from app.decoding.step_sizes import LONGEST, SIZES
from app.decoding.types import GenerationConfig
from app.errors import ModelError
from tests import tiny
from tests.decoding.test_speculative_models import assert_same_up_to_ties, near
from tests.decoding.texts import GREEDY, SAMPLED, TOKENIZER, BaseClock, Text

FULL = list(tiny.ARCHITECTURES)
BASES = {name: tiny.make_model(name, 5) for name in FULL}
PROMPT = TOKENIZER.encode("the king said to the daughter that the night was").ids
PROCESSORS: list[dict[str, float]] = [
    {"temperature": 0.0},
    {"temperature": 0.0, "repetition_penalty": 1.3},
    {"temperature": 0.7},
    {"top_k": 5},
    {"top_p": 0.8},
    {"min_p": 0.1},
    {"repetition_penalty": 1.5},
    {"temperature": 1.3, "top_k": 40, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.2},
]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


class Counting:
    """Captures nothing and counts what it was asked for, and what was run."""

    def __init__(self) -> None:
        self.parts: list[int] = []
        self.runs = 0

    def __call__(self, compute: Computation, parts: int = 1) -> Action:
        self.parts.append(parts)
        run = uncaptured(compute, parts)

        def counted() -> None:
            self.runs += 1
            run()

        return counted


class Both:
    """The same roles, decoded plainly and in fused steps."""

    def __init__(
        self,
        architecture: str = "llama",
        pairs: int = 1,
        masked: Sequence[int] = (),
        capture: Capture | None = None,
    ) -> None:
        base = BASES[architecture]
        models = [base, *(near(base, seed) for seed in range(2 * pairs))]
        names = [f"model {place}" for place in range(len(models))]
        places = [Pair(str(n), 1 + 2 * n, 2 + 2 * n) for n in range(pairs)]
        usable = torch.ones(tiny.VOCABULARY, dtype=torch.bool)
        usable[list(masked)] = False
        self.capture = Counting()
        self.prompts = [PROMPT[place % 3 :] for place in range(len(models))]
        self.plainly = Ensemble(
            [TransformersLanguageModel(model) for model in models], names, places, usable
        )
        chosen = capture or self.capture
        self.whole = Ensemble(
            [GraphedLanguageModel(model, capture=chosen) for model in models], names, places, usable
        )

    def assert_same(
        self,
        config: GenerationConfig,
        speculator: Speculator | None = None,
        alphas: Callable[[], Callable[[], tuple[float, ...]]] | None = None,
        prefix: TextPrefix = NO_PREFIX,
    ) -> Text:
        """``alphas`` makes what is asked for the weights of a text."""
        read = [None if alphas is None else alphas() for _ in range(2)]
        plain = Text(self.plainly, self.prompts, config, alphas=read[0], prefix=prefix)
        whole = Text(
            self.whole,
            self.prompts,
            config,
            alphas=read[1],
            prefix=prefix,
            speculator=speculator,
        )
        assert assert_same_up_to_ties(plain, whole, config, self.prompts[0])
        return whole


@pytest.mark.slow
@pytest.mark.parametrize("options", PROCESSORS)
@pytest.mark.parametrize("pairs", [0, 1, 2])
def test_the_text_and_the_rows_are_those_of_plain_decoding(
    options: dict[str, float], pairs: int
) -> None:
    both = Both(pairs=pairs, masked=(3, 200))
    config = replace(SAMPLED, **options)  # type: ignore[arg-type]
    both.assert_same(config)
    assert both.capture.parts == [1 + 2 * pairs]  # once, whatever the number of tokens
    assert both.capture.runs == 1 + config.max_new_tokens - 1  # the first one to be compared


@pytest.mark.slow
@pytest.mark.parametrize("architecture", FULL)
def test_drafts_are_read_and_sampled_in_fused_steps(architecture: str) -> None:
    both = Both(architecture, pairs=2)
    accepted = 0
    for number, options in enumerate(PROCESSORS):
        speculator = Speculator(clock=BaseClock(both.whole))
        config = replace(SAMPLED, seed=number, **options)  # type: ignore[arg-type]
        both.assert_same(config, speculator)
        accepted += speculator.stats.total.accepted
    assert accepted > 40
    assert set(both.capture.parts) == {1, 4, 5}  # one drafts, the others read; nobody drafts


@pytest.mark.slow
def test_a_token_is_sampled_with_the_alphas_of_its_own_time() -> None:
    """Also where they change while it is on the way."""
    weights = [(1.0,), (1.0,), (-2.0,), (-2.0,), (0.0,), (3.0,), (3.0,), (3.0,), (0.5,)]

    def changing() -> Callable[[], tuple[float, ...]]:
        turn = iter(weights * 10)
        return lambda: next(turn)

    for speculator in (False, True):
        both = Both()
        drafts = Speculator(clock=BaseClock(both.whole)) if speculator else None
        text = both.assert_same(SAMPLED, drafts, changing)
        assert [step.alphas for step in text.steps] == (weights * 3)[:24]


@pytest.mark.slow
def test_given_tokens_and_the_end_of_the_context() -> None:
    both = Both()
    for model in (*both.plainly.models, *both.whole.models):
        model.context_length = len(PROMPT) + 21
    prefix = TextPrefix(tuple(PROMPT[:4]), tuple(PROMPT[2:6]))
    for drafts in (None, Speculator(clock=BaseClock(both.whole))):
        text = both.assert_same(replace(SAMPLED, max_new_tokens=60), drafts, prefix=prefix)
        assert both.whole.models[0].length == len(PROMPT) + 20
        assert len(text.ids) == 21 - 4


@pytest.mark.slow
def test_the_host_waits_once_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[Mirror] = []
    monkeypatch.setattr(Mirror, "synchronize", lambda mirror: waits.append(mirror))
    both = Both()
    Text(both.whole, both.prompts, SAMPLED)
    assert len(waits) == SAMPLED.max_new_tokens - 1


class _NoHostMemory(TorchDispatchMode):
    """Refuses tensors made of Python values, which a replayed graph would not copy again.

    Questions to the device are found with fake tensors, in ``test_step_asks_nothing.py``.
    """

    _REFUSED = (torch.ops.aten.lift_fresh,)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        assert func.overloadpacket not in self._REFUSED, f"{func} in a captured step"
        return func(*args, **(kwargs or {}))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", FULL)
def test_a_step_takes_no_memory_from_the_host(architecture: str) -> None:
    """With every processor on; alone and with drafts."""
    runs = 0

    def watched(compute: Computation, parts: int = 1) -> Action:
        run = uncaptured(compute, parts)

        def under_watch() -> None:
            nonlocal runs
            runs += 1
            with _NoHostMemory():
                run()

        return under_watch

    both = Both(architecture, masked=(3,), capture=watched)
    config = replace(SAMPLED, top_k=40, min_p=0.02, repetition_penalty=1.2)
    both.assert_same(config)
    both.assert_same(config, Speculator(clock=BaseClock(both.whole)))
    assert runs > config.max_new_tokens
    with pytest.raises(AssertionError, match="in a captured step"):
        watched(lambda runner: torch.tensor([3.0]))()


@pytest.mark.slow
def test_a_step_serves_other_seeds_texts_and_settings_until_buffers_move() -> None:
    both = Both()
    for seed in range(3):
        Text(both.whole, both.prompts, replace(SAMPLED, seed=seed, max_new_tokens=8))
    assert len(both.capture.parts) == 1
    for options in ({"temperature": 0.2}, {"top_k": 3}, {"top_p": 0.5}, {"min_p": 0.2}):
        both.assert_same(replace(SAMPLED, **options))  # type: ignore[arg-type]
    assert len(both.capture.parts) == 1
    both.assert_same(replace(SAMPLED, repetition_penalty=1.4))
    both.assert_same(replace(SAMPLED, repetition_penalty=0.7, top_k=9))
    assert len(both.capture.parts) == 2
    both.assert_same(GREEDY)
    assert len(both.capture.parts) == 3
    for model in both.whole.models:
        model.rewind(0)
        model.ensure_capacity(1000)  # type: ignore[attr-defined]
    Text(both.whole, both.prompts, SAMPLED)
    assert len(both.capture.parts) == 4


@pytest.mark.slow
def test_captured_steps_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_step, "_KEPT", 2)
    both = Both()
    plain = replace(SAMPLED, top_p=1.0)
    for config in (SAMPLED, plain, GREEDY, SAMPLED):
        both.assert_same(config)
    assert len(both.capture.parts) == 4
    assert len(both.whole._fused._steps) <= 2  # type: ignore[union-attr]


@pytest.mark.slow
def test_what_was_captured_is_released_where_memory_runs_out() -> None:
    captured: list[weakref.ref[Action]] = []

    def noted(compute: Computation, parts: int = 1) -> Action:
        run = uncaptured(compute, parts)
        captured.append(weakref.ref(run))
        return run

    both = Both(capture=noted)
    config, drafts = replace(GREEDY, max_new_tokens=12), Speculator(clock=BaseClock(both.whole))
    both.assert_same(config, drafts)
    assert len(captured) > 2  # the whole, with drafts, and the drafter by itself
    both.whole.release_buffers()
    gc.collect()
    assert all(run() is None for run in captured)
    both.assert_same(config, drafts)


@pytest.mark.slow
def test_what_cannot_be_captured_as_a_fused_step_is_read_role_by_role() -> None:
    asked: list[int] = []

    def refused(compute: Computation, parts: int = 1) -> Action:
        asked.append(parts)
        if parts > 1:
            raise CaptureError("operation not permitted")
        return uncaptured(compute)

    both = Both(capture=refused)
    assert both.whole.not_captured == ""
    both.assert_same(SAMPLED)
    assert both.whole.not_captured == "operation not permitted"
    assert asked == [3, 1, 1, 1]  # the whole once, then each model by itself
    both.assert_same(GREEDY)
    assert asked == [3, 1, 1, 1]


def test_one_model_that_cannot_be_captured_keeps_the_whole_from_it() -> None:
    model = BASES["llama"]
    models = [GraphedLanguageModel(model, capture=uncaptured), TransformersLanguageModel(model)]
    ensemble = Ensemble(models, ["base", "expert"], [Pair("p", 1, 1)])
    assert ensemble.not_captured == "the expert computes its steps otherwise"
    assert ensemble.only(0).not_captured == ""


@pytest.mark.slow
def test_roles_on_several_devices_have_a_graph_each() -> None:
    asked: list[int] = []

    def counting(compute: Computation, parts: int = 1) -> Action:
        asked.append(parts)
        return uncaptured(compute, parts)

    both = Both(capture=counting)
    for model in both.whole.models[1:]:
        model._device = torch.device("cpu", 0)  # type: ignore[attr-defined]
    pairs, names = both.whole.pairs, both.whole.names
    both.whole = Ensemble(both.whole.models, names, pairs)
    assert both.whole.not_captured == "the models are on several devices"
    both.assert_same(SAMPLED)
    assert asked == [1, 1, 1]
    assert both.whole.capture_stats.captured == 3
    both.assert_same(SAMPLED, Speculator(clock=BaseClock(both.whole)))
    assert set(asked) == {1}
    assert both.whole.capture_stats.differing == ()


@pytest.mark.slow
def test_a_step_that_fails_leaves_nothing_half_read(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both()
    Text(both.whole, both.prompts, replace(SAMPLED, max_new_tokens=3))

    def broken(*given: object) -> torch.Tensor:
        raise RuntimeError("the device is lost")

    with monkeypatch.context() as patch:
        patch.setattr(GraphedLanguageModel, "forward_at", broken)
        with pytest.raises(RuntimeError, match="lost"):
            Text(both.whole, both.prompts, SAMPLED)
    assert [model.length for model in both.whole.models] == [0, 0, 0]
    both.assert_same(SAMPLED)


def test_logits_that_are_not_numbers_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both()
    read = GraphedLanguageModel.forward_at

    def not_numbers(
        model: GraphedLanguageModel, tokens: torch.Tensor, positions: torch.Tensor, attended: int
    ) -> torch.Tensor:
        logits = read(model, tokens, positions, attended)
        return logits * float("nan") if model is both.whole.models[1] else logits

    monkeypatch.setattr(GraphedLanguageModel, "forward_at", not_numbers)
    with pytest.raises(ModelError, match="model 1 computed logits that are not numbers"):
        Text(both.whole, both.prompts, SAMPLED)


def test_blocks_are_filled_up_to_few_sizes() -> None:
    both = Both()
    both.whole.prefill(both.prompts)
    sizes = set()
    for count in range(1, LONGEST + 1):
        sizes.add(captured_size(count, both.whole.models[:1]))  # type: ignore[arg-type]
    assert sizes == set(SIZES)


def test_a_mirror_copies_all_of_its_tensors_at_once() -> None:
    mirror = Mirror(
        {
            "a": ((3,), torch.bool),
            "b": ((2, 5), torch.float64),
            "none": ((0, 7), torch.float32),
            "c": ((1,), torch.int64),
        },
        torch.device("cpu"),
    )
    mirror.host["a"].fill_(True)
    mirror.host["b"].copy_(torch.arange(10).view(2, 5))
    mirror.host["c"].fill_(-7)
    mirror.copy_to_device()
    assert mirror.device["a"].all()
    assert mirror.device["b"].flatten().tolist() == list(range(10))
    assert mirror.device["none"].shape == (0, 7)
    mirror.device["c"].mul_(3)
    assert mirror.host["c"].item() == -7
    mirror.copy_to_host()
    mirror.synchronize()
    assert mirror.host["c"].item() == -21


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("options", PROCESSORS)
@pytest.mark.parametrize("drafts", [False, True])
def test_graphs_of_fused_steps_equal_plain_decoding_on_cuda(
    options: dict[str, float], drafts: bool
) -> None:
    base = tiny.make_model("llama", 5).to("cuda")
    models = [base, *(near(base, seed) for seed in range(2))]
    pairs = [Pair("p", 1, 2)]
    plainly = Ensemble([TransformersLanguageModel(model) for model in models], "abc", pairs)
    captured = [GraphedLanguageModel(model, capture=CudaGraphs(model.device)) for model in models]
    whole = Ensemble(captured, "abc", pairs)
    config = replace(SAMPLED, **options)  # type: ignore[arg-type]
    plain = Text(plainly, [PROMPT] * 3, config)
    speculator = Speculator(clock=BaseClock(whole)) if drafts else None
    reduction = RowReduction(3, tiny.VOCABULARY, tuple(pairs), ((False,), (True,)), 50, 24)
    reducer = RowReducer(reduction, keep_rows=True)
    text = Text(whole, [PROMPT] * 3, config, speculator=speculator, reducer=reducer)
    assert_same_up_to_ties(plain, text, config, PROMPT)
    assert whole.not_captured == ""
    for step in text.steps:
        assert step.reduced is not None  # in the graph, or where the rows are
        found, exact = candidates_of(step), candidates_of(replace(step, reduced=None))
        assert found.token_ids.tolist() == exact.token_ids.tolist()
        assert found.rank_tuned.tolist() == exact.rank_tuned.tolist()
        assert found.coalition_log_normalizers == pytest.approx(
            exact.coalition_log_normalizers, abs=1e-4
        )
