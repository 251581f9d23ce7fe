"""What is compared makes the same text, and what is counted is what is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import torch

from app.benchmark import hardware, measure, setup
from app.benchmark.benchmark_report import as_json, as_svg, as_text
from app.benchmark.block_costs import LIKELIHOODS, BlockCost, Expected
from app.benchmark.conversation_times import ConversationTimes
from app.benchmark.first_token_times import FirstTokenTime
from app.benchmark.measure import Results, WayResult
from app.benchmark.setup import SHAPES, Setup, Shape, of_recipe, of_shapes
from app.benchmark.token_costs import TokenCost
from app.benchmark.ways import ALONE, ASSISTED, PLAIN, REFERENCE, SPECULATIVE, ways
from app.decoding.capture_stats import CaptureStats
from app.decoding.capturing import Action, CaptureError, Computation
from app.decoding.ensemble import Ensemble
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.speculation_stats import DraftCounts
from app.decoding.token_sampler import TokenSampler
from app.decoding.types import GenerationConfig
from app.errors import DeviceError, SettingsError
from tests import tiny

GREEDY = GenerationConfig(max_new_tokens=12, temperature=0.0)


@pytest.fixture(autouse=True)
def little_memory_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_BYTES", 1 << 16)


@pytest.fixture
def small(llama: tiny.Family) -> Setup:
    return of_recipe(llama.recipe(0.7), "the king said", GREEDY)


@pytest.fixture
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("inference")
@pytest.mark.parametrize("temperature", [0.0, 1.3])
def test_every_way_with_pairs_makes_the_same_text(small: Setup, temperature: float) -> None:
    """In float32; the reference knows nothing of ensembles and caches that grow."""
    config = GenerationConfig(max_new_tokens=12, temperature=temperature, top_p=1.0)
    runs = {name: way() for name, way in ways(replace(small, config=config)).items()}
    pairs = [runs[name].ids for name in (REFERENCE, PLAIN, SPECULATIVE)]
    assert pairs[0] == pairs[1] == pairs[2]
    alone = [run.ids for name, run in runs.items() if "alone" in name]
    assert alone[0] == alone[1] != pairs[0]
    assert runs[SPECULATIVE].drafts is not None
    assert all(run.first > 0 and run.rest > 0 and len(run.ids) == 12 for run in runs.values())


def test_bytes_are_those_of_all_weights_and_keys(small: Setup) -> None:
    """Llama with 2 layers, 2 heads of 16, untied: the embedding is looked up, not read."""
    (base, *others) = small.originals
    embedding = base.get_input_embeddings().weight.nbytes
    weights = sum(p.nbytes for m in (base, *others) for p in m.parameters()) - 3 * embedding
    cache = 3 * 2 * 2 * 32 * 4  # models, layers, keys and values, width, bytes
    assert hardware.bytes_per_token(small, 0) == weights
    assert hardware.bytes_per_token(small, 100) == weights + 100 * cache


@pytest.mark.slow
def test_drafts_of_transformers_make_the_text_of_the_base(
    small: Setup, capfd: pytest.CaptureFixture[str]
) -> None:
    with torch.inference_mode():
        runs = {name: way() for name, way in ways(small).items()}
    assert runs[ASSISTED].ids == runs[ALONE].ids
    assert runs[ASSISTED].first > 0
    assert runs[ASSISTED].rest > 0
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_measurement_is_complete(small: Setup) -> None:
    told: list[str] = []
    results = measure.measure(small, 2, (20, 40), (1, 2), (1, 4), 3, told.append)
    assert [way.name for way in results.ways] == list(ways(small))
    assert results.ways[0].ratio == 1.0
    assert [way.same for way in results.ways[:3]] == [12, 12, 12]
    assert [cost.size for cost in results.contexts] == [20, 40]
    assert [cost.size for cost in results.pairs] == [1, 2]
    costs = (*results.contexts, *results.pairs)
    assert all(cost.plain > 0 and (cost.reference or 0) > 0 for cost in costs)
    assert [block.size for block in results.blocks] == [1, 4]
    assert all(len(block.seconds) == 3 and min(block.seconds) > 0 for block in results.blocks)
    assert [found.accepted for found in results.expected] == list(LIKELIHOODS)
    assert results.conversation is not None
    assert results.overhead > 0
    assert results.peak_memory > 1e7
    assert sum("warming up" in what for what in told) == len(results.ways)


def test_it_is_said_whose_steps_are_no_graphs(small: Setup) -> None:
    def refused(compute: Computation, parts: int = 1) -> Action:
        raise CaptureError("operation not permitted")

    names, pairs = small.ensemble.names, small.ensemble.pairs
    graphed = [GraphedLanguageModel(model, capture=refused) for model in small.originals]
    captured = replace(small, ensemble=Ensemble(graphed, names, pairs))
    assert list(measure._not_captured(captured)) == []
    sampler = TokenSampler([1], (), GREEDY, lambda: small.alphas)
    with torch.inference_mode():
        sampler.step(captured.ensemble.prefill(small.prompts), -1)
        captured.ensemble.extend([5], sampling=sampler.sampling())
    assert list(measure._not_captured(captured)) == [
        (name, "operation not permitted") for name in (*names, "ensemble as a whole")
    ]
    one_by_one = Ensemble(list(map(TransformersLanguageModel, small.originals)), names, pairs)
    found = measure._not_captured(replace(small, ensemble=one_by_one))
    assert [name for name, _ in found] == ["ensemble as a whole"]


def test_which_way_begins_changes() -> None:
    begun: list[str] = []
    named = {name: lambda name=name: begun.append(name) for name in "abc"}
    measure._in_turn(named, 2, lambda what: None)  # type: ignore[arg-type]
    assert "".join(begun) == "abcbcacab"


def test_more_than_the_context_is_refused(small: Setup) -> None:
    with pytest.raises(SettingsError, match="cannot read that many tokens"):
        measure.measure(small, 1, contexts=(tiny.CONTEXT + 1,))


@pytest.mark.slow
def test_random_weights_of_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHAPES, "tiny", Shape(32, 48, 2, 2, 1, 300, tied=True))
    made = of_shapes(["tiny"] * 5, "cpu", "auto", GREEDY)
    assert {p.dtype for model in made.originals for p in model.parameters()} == {torch.bfloat16}
    assert len(made.ensemble.pairs) == 2
    results = measure.measure(made, 1)
    assert made.ensemble.vocabulary_size == 300
    assert results.title == "random weights, tiny + tiny + tiny + tiny + tiny, bfloat16"
    again = of_shapes(["tiny"] * 5, "cpu", "auto", GREEDY)
    for one, other in zip(made.originals, again.originals, strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict(), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["13b", "7b"], "for both models"),
        (["9b", "7b", "7b"], "no size '9b'"),
        (["7b"], "for both"),
    ],
)
def test_shapes_that_make_no_recipe(names: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        of_shapes(names, "cpu", "auto", GREEDY)


@pytest.mark.slow
def test_shapes_that_do_not_fit_are_refused_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "free_bytes", lambda device: 50_000_000_000)
    with pytest.raises(DeviceError, match=r"needed 53\.\d GB, free 50\.0 GB"):
        of_shapes(["13b", "7b", "7b"], "cpu", "bfloat16", GREEDY)


RESULTS = Results(
    title="A <recipe>",
    device="cpu",
    threads=2,
    tokens=100,
    repeats=3,
    prompt=7,
    ways=(
        WayResult(REFERENCE, 10.0, 0.5, 1.0, None, 100),
        WayResult(PLAIN, 20.0, 0.4, 2.0, None, 100),
        WayResult(SPECULATIVE, 30.0, 0.4, 3.0, DraftCounts(10, 50, 40, 30), 100),
    ),
    bytes_per_token=500_000_000,
    bandwidth=20e9,
    overhead=0.0004,
    packed=0,
    peak_memory=2_000_000_000,
    captures=CaptureStats(7, 1.25, ("steps of 3 tokens: a log-probability differs by 4.1",)),
    not_captured=(("expert", "its weights are quantised"),),
    contexts=(measure.Cost(128, 0.05, 0.1),),
    conversation=ConversationTimes(10, 1576, 32, 1.9, 0.33, 0.3, 1.1),
    first_tokens=(FirstTokenTime(2048, 16, 4.2, 0.3),),
    token_costs=(TokenCost(151_936, 2, 43e-5, 4e-4, 126e-5, 8.41e-3, 3.27e-3),),
    blocks=(BlockCost(1, (0.3, 0.1, 0.1)), BlockCost(6, (0.4, 0.2, 0.2))),
    expected=(Expected(0.5, 0, 1.0), Expected(0.857, 4, 2.03)),
)


def test_the_report_for_a_terminal() -> None:
    text = as_text(RESULTS)
    assert "Tuneshift, with drafts      30.0   3.00×" in text
    assert "75% accepted, 4.0 tokens a block; the same text" in text
    assert "reads 0.50 GB per token and uses 50% of the memory bandwidth of 20.0 GB/s" in text
    assert "0.40 ms outside the models" in text
    assert "128: 50.0 ms, plain loop 100.0 ms" in text
    assert "steps of the expert are not captured as CUDA graphs: its weights are quantised" in text
    assert "7 kinds of step captured and compared with uncaptured steps in 1.2 s" in text
    assert "uncaptured step: steps of 3 tokens: a log-probability differs by 4.1" in text
    assert "with pairs" not in text
    assert "First token at turn 10 of a conversation: 32 new tokens after 1,576" in text
    assert "what was read before reused: 330.0 ms" in text
    assert "reused relative to the new tokens: 1.10×" in text
    assert "  1: 300.0, 100.0, 100.0 ms" in text
    assert "0.5: none" in text
    assert "2,048: 4,200.0 ms read anew, 300.0 ms with the last 16 tokens new" in text
    assert "  151,936      2    0.430   0.400        1.260       8.410 " in text
    assert "0.857: 2.03×, with drafts of 4 tokens" in text


def test_json_and_plot_say_the_same() -> None:
    found = json.loads(as_json(RESULTS))
    assert found["share_of_bandwidth"] == pytest.approx(0.5)
    assert [way["rate"] for way in found["ways"]] == [10.0, 20.0, 30.0]
    assert found["conversation"]["ratio"] == pytest.approx(1.1)
    assert found["ways"][2]["acceptance"] == pytest.approx(0.75)
    picture = ElementTree.fromstring(as_svg(RESULTS))
    bars = [float(part.attrib["width"]) for part in picture if part.attrib.get("rx")]
    assert bars[1] / bars[0] == pytest.approx(2, rel=0.02)
    assert bars[2] / bars[0] == pytest.approx(3, rel=0.02)
    texts = "".join(picture.itertext())
    assert "A <recipe>" in texts
    assert "30.0 (3.00×)" in texts
