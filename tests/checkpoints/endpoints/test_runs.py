"""Whole runs of a base behind a server, against the same weights here and against the formula."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from app.attribution.candidates import keep_candidates, tabulate
from app.checkpoints.endpoints.endpoint_model import EndpointLanguageModel
from app.checkpoints.endpoints.prompt_logprobs import Blocks
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.decoding.types import FinishReason
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, Failed, Loaded, RunFinished, TokenDecoded
from app.history.blob_encoding import pack_candidates, unpack_candidates
from tests import tiny
from tests.checkpoints.endpoints import fake_server
from tests.checkpoints.endpoints.fake_server import FakeServer, Fault, Kind

PROMPT = "the king said"
KINDS = {
    "vllm": fake_server.VLLM,
    "openai": fake_server.OPENAI,
    "llama.cpp": fake_server.LLAMA_CPP,
    "plain": fake_server.PLAIN,
}
TEXT_KINDS = {"text": fake_server.TEXT_ONLY, "llama-cpp-python": fake_server.LLAMA_CPP_PYTHON}


class Desk:
    """An engine and what it said."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.engine = Engine(self.events.append)

    def load(self, recipe: Recipe) -> None:
        self.engine.handle(Load(1, recipe, Cancellation()))

    def generate(self, recipe: Recipe, *, speculate: bool = False) -> list[TokenDecoded]:
        start = len(self.events)
        self.engine.handle(
            Generate(
                2,
                PROMPT,
                recipe.sampling,
                LiveAlphas(recipe.alphas),
                Cancellation(),
                speculate=speculate,
            )
        )
        return [event for event in self.events[start:] if isinstance(event, TokenDecoded)]

    @property
    def last(self) -> Event:
        return self.events[-1]

    def error(self) -> str:
        assert isinstance(self.last, Failed), self.last
        assert self.last.details == ""
        return str(self.last.error)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.engine.unload()


def behind(server: FakeServer, recipe: Recipe, top: int = -1, **options: object) -> Recipe:
    spec = CheckpointSpec(f"endpoint:{server.url}", top_logprobs=top, **options)  # type: ignore[arg-type]
    return replace(recipe, base=spec)


def ids_of(tokens: Sequence[TokenDecoded]) -> list[int]:
    return [token.step.token_id for token in tokens]


def finished(desk: Desk) -> RunFinished:
    assert isinstance(desk.last, RunFinished), desk.last
    return desk.last


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_with_all_log_probabilities_a_run_is_the_local_one(
    server: FakeServer, desk: Desk, llama: tiny.Family, kind: Kind, temperature: float
) -> None:
    server.kind = kind
    local = llama.recipe(1.3, temperature=temperature, top_p=0.9, seed=5, max_new_tokens=16)
    desk.load(local)
    expected = ids_of(desk.generate(local))
    remote = behind(server, local)
    for speculate in (False, True):
        desk.load(remote)
        assert isinstance(desk.last, Loaded), desk.last
        assert ids_of(desk.generate(remote, speculate=speculate)) == expected
        assert finished(desk).finish_reason in (FinishReason.LENGTH, FinishReason.EOS)


def restricted(
    server: FakeServer, llama: tiny.Family, count: int, top: int, alpha: float
) -> list[int]:
    """Greedy tokens by the paper's rule, computed from whole forwards and dictionaries."""
    _, expert, antiexpert = llama.models()
    ids = tiny.make_tokenizer().encode(PROMPT).ids
    out: list[int] = []
    for _ in range(count):
        base = server.logprobs([*ids, *out])[-1]
        best = torch.topk(base, top).indices.tolist()
        with torch.no_grad():
            plus, minus = (
                model(input_ids=torch.tensor([[*ids, *out]])).logits[0, -1].double()
                for model in (expert, antiexpert)
            )
        scores = {v: base[v].item() + alpha * (plus[v] - minus[v]).item() for v in best}
        out.append(max(scores, key=scores.__getitem__))
        if out[-1] == 0:
            return out[:-1]
    return out


@pytest.mark.parametrize("kind", [fake_server.VLLM, fake_server.PLAIN], ids=["vllm", "plain"])
@pytest.mark.parametrize("speculate", [False, True])
def test_with_a_few_log_probabilities_a_run_is_that_of_the_paper(
    server: FakeServer, desk: Desk, llama: tiny.Family, kind: Kind, speculate: bool
) -> None:
    server.kind = kind
    alpha, top = 2.0, 5
    recipe = behind(server, llama.recipe(alpha, temperature=0.0, top_p=1.0, max_new_tokens=20), top)
    desk.load(recipe)
    tokens = desk.generate(recipe, speculate=speculate)
    expected = restricted(server, llama, 20, top, alpha)
    unrestricted = llama.recipe(alpha, temperature=0.0, top_p=1.0, max_new_tokens=20)
    assert ids_of(tokens) == expected
    desk.load(unrestricted)
    assert ids_of(desk.generate(unrestricted)) != expected  # or the test shows nothing


@pytest.mark.parametrize("kind", TEXT_KINDS.values(), ids=TEXT_KINDS)
@pytest.mark.parametrize("speculate", [False, True])
def test_a_server_that_reads_text_gets_whole_characters(
    server: FakeServer, desk: Desk, llama: tiny.Family, kind: Kind, speculate: bool
) -> None:
    """It cuts the text into tokens by itself; a token inside a character is left out, and named."""
    server.kind = kind
    recipe = behind(server, llama.recipe(1.3, temperature=0.0, max_new_tokens=16), top=60)
    desk.load(recipe)
    tokens = desk.generate(recipe, speculate=speculate)
    tokenizer = tiny.make_tokenizer()
    _, expert, antiexpert = llama.models()
    ids, text = tokenizer.encode(PROMPT).ids, PROMPT
    for token in tokens:
        base = server.logprobs(tokenizer.encode(text).ids)[-1]
        with torch.no_grad():
            plus, minus = (
                model(input_ids=torch.tensor([ids])).logits[0, -1].double()
                for model in (expert, antiexpert)
            )
        best = torch.topk(base, 60).indices.tolist()
        whole = [
            v for v in best if "\ufffd" not in tokenizer.decode([v], skip_special_tokens=False)
        ]
        scores = {v: (base[v] + 1.3 * (plus[v] - minus[v])).item() for v in whole}
        assert token.step.token_id == max(scores, key=scores.__getitem__)
        ids.append(token.step.token_id)
        text += token.step.text
    traffic = finished(desk).stats.endpoint_usage
    assert traffic is not None
    assert "inside a character" in {item.reason for item in traffic.unmatched}
    assert all(isinstance(prompt, str) for prompt in server.prompts[2:])


def test_what_is_not_returned_is_impossible_and_everything_shown_agrees(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    recipe = behind(server, llama.recipe(0.7, temperature=1.0, top_p=1.0), top=6)
    desk.load(recipe)
    tokens = desk.generate(recipe)
    ids = tiny.make_tokenizer().encode(PROMPT).ids
    for token in tokens:
        logits, explained = token.step.logits, token.attribution
        base = server.logprobs(ids)[-1].numpy()
        known = logits.base > -math.inf
        assert known.sum() == 6
        assert set(known.nonzero()[0]) == set(base.argsort()[-6:])
        assert logits.base[known] == pytest.approx(base[known], abs=1e-5)
        assert all(row.min() > -math.inf for row in (*logits.experts, *logits.antiexperts))
        assert explained.coverage == pytest.approx(
            sum(math.exp(v) for v in sorted(base)[-6:]), abs=1e-5
        )
        assert explained.p_base == pytest.approx(
            math.exp(base[token.step.token_id]) / explained.coverage, abs=1e-5
        )
        assert sum(explained.contributions) == pytest.approx(
            explained.p_tuned - explained.p_base, abs=1e-5
        )
        ids.append(token.step.token_id)


def test_candidates_are_kept_and_read_back(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    recipe = behind(server, llama.recipe(0.7, temperature=1.0, top_p=1.0), top=6)
    desk.load(recipe)
    for token in desk.generate(recipe):
        step = token.step
        rows = keep_candidates(step.logits, step.alphas, step.token_id)
        assert sorted(rows.token_ids) == sorted((step.logits.base > -math.inf).nonzero()[0])
        table = tabulate(unpack_candidates(pack_candidates(rows)))
        assert table.p_base.sum() == pytest.approx(1.0, abs=1e-5)
        assert table.p_tuned.sum() == pytest.approx(1.0, abs=1e-5)
        assert table.contributions.sum() == pytest.approx(0.0, abs=1e-5)
        assert rows.coverage == pytest.approx(token.attribution.coverage, abs=1e-6)
        assert rows.with_alphas((2.0,)).tuned((2.0,)) == pytest.approx(
            sorted(rows.tuned((2.0,)), reverse=True)
        )


def test_a_given_text_may_hold_what_the_server_does_not_return(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    recipe = behind(server, llama.recipe(0.7, max_new_tokens=9), top=2)
    desk.load(recipe)
    start = len(desk.events)
    run = Generate(
        2, PROMPT, recipe.sampling, LiveAlphas(recipe.alphas), Cancellation(), text=" the garden"
    )
    desk.engine.handle(run)
    assert finished(desk).finish_reason in (FinishReason.LENGTH, FinishReason.EOS)
    given = [e for e in desk.events[start:] if isinstance(e, TokenDecoded) and e.step.forced]
    impossible = [token for token in given if token.attribution.p_base == 0.0]
    assert impossible
    for token in impossible:
        explained = token.attribution
        assert explained.p_tuned == explained.shift == 0.0
        assert explained.contributions == (0.0,)
        step = token.step
        rows = unpack_candidates(
            pack_candidates(keep_candidates(step.logits, (0.7,), step.token_id))
        )
        assert len(rows.token_ids) == 3
        assert step.token_id in rows.token_ids


def test_a_local_base_has_no_coverage(desk: Desk, llama: tiny.Family) -> None:
    recipe = llama.recipe()
    desk.load(recipe)
    assert {token.attribution.coverage for token in desk.generate(recipe)} == {None}
    assert finished(desk).stats.endpoint_usage is None


def test_a_role_says_where_it_is(server: FakeServer, desk: Desk, llama: tiny.Family) -> None:
    desk.load(behind(server, llama.recipe(), model="tiny"))
    loaded = desk.last
    assert isinstance(loaded, Loaded)
    base, *others = loaded.roles
    assert (base.model, base.device, base.parameters) == ("tiny", server.url.split("/")[2], 0)
    assert all(role.parameters > 0 and role.model == "" for role in others)


def test_tokens_are_counted_and_one_connection_is_kept(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    recipe = behind(server, llama.recipe(temperature=0.0, max_new_tokens=5), top=5)
    desk.load(recipe)
    opened, before = server.connections, len(server.seen)
    count = len(desk.generate(recipe))
    traffic = finished(desk).stats.endpoint_usage
    prompt = len(tiny.make_tokenizer().encode(PROMPT).ids)
    assert traffic is not None
    assert traffic.requests == len(server.seen) - before == count
    assert traffic.sent == sum(range(prompt, prompt + count))
    assert traffic.received == count
    assert server.connections == opened


def test_a_block_is_one_request(server: FakeServer, desk: Desk, llama: tiny.Family) -> None:
    """Speculation where the server scores prompts: fewer requests than tokens."""
    recipe = behind(server, llama.recipe(0.0, temperature=0.0, max_new_tokens=1), top=5)
    for kind, blocks in (
        (fake_server.VLLM, Blocks.PROMPT_LOGPROBS),
        (fake_server.OPENAI, Blocks.ECHO),
    ):
        server.kind = kind
        desk.load(recipe)
        model = base_of(desk)
        assert model.profile.blocks is blocks
        ids = torch.tensor(tiny.make_tokenizer().encode("the king said to the daughter").ids)
        before = len(server.seen)
        rows = model.extend(ids, 4)
        assert len(server.seen) == before + 1
        expected = server.logprobs(ids.tolist())[-4:]
        for row, wanted in zip(rows, expected, strict=True):
            known = row > -math.inf
            assert int(known.sum()) == 5
            torch.testing.assert_close(row[known], wanted[known].float(), atol=1e-5, rtol=0)
        model.rewind(0)


def test_blocks_of_a_server_that_tells_what_follows(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    server.kind = fake_server.LLAMA_CPP_PYTHON
    desk.load(behind(server, llama.recipe(), top=60))
    model = base_of(desk)
    assert model.profile.blocks is Blocks.ECHO_AFTER
    ids = tiny.make_tokenizer().encode("the king said to the daughter").ids
    before = len(server.seen)
    rows = model.extend(torch.tensor(ids), 3)
    assert len(server.seen) == before + 1
    for row, wanted in zip(rows, server.logprobs(ids)[-3:], strict=True):
        known = row > -math.inf
        torch.testing.assert_close(row[known], wanted[known].float(), atol=1e-5, rtol=0)


def test_an_end_of_which_nothing_is_told_is_asked_for_by_echo(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    """llama-cpp-python tells of no token where it ends, except in an echo."""

    def mute(answer: dict[str, Any]) -> None:
        answer["choices"][0].update(
            finish_reason="stop", logprobs={"tokens": [], "top_logprobs": []}
        )

    def end(answer: dict[str, Any]) -> None:
        answer["choices"][0]["finish_reason"] = "stop"
        answer["choices"][0]["logprobs"]["top_logprobs"][-1] = {"": -0.1, "a": -3.0}

    server.kind = fake_server.LLAMA_CPP_PYTHON
    desk.load(behind(server, llama.recipe(), top=5))
    ids = torch.tensor(tiny.make_tokenizer().encode("the king").ids)
    server.faults = [Fault(change=mute), Fault(change=end)]
    row = base_of(desk).extend(ids)[0]
    found = {index: row[index].item() for index in (row > -math.inf).nonzero().flatten().tolist()}
    letter = tiny.make_tokenizer().token_to_id("a")
    assert found == pytest.approx({0: -0.1, letter: -3.0})


def test_it_is_counted_how_often_the_text_was_cut_in_another_way(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    server.kind = fake_server.TEXT_ONLY
    desk.load(behind(server, llama.recipe(), top=5))
    model = base_of(desk)
    model.begin_run(lambda: False)
    tokenizer = tiny.make_tokenizer()
    model.extend(torch.tensor(tokenizer.encode("the king").ids))
    assert model.usage().retokenized == 0
    model.extend(torch.tensor([tokenizer.token_to_id(letter) for letter in "Ġking"]))
    assert model.usage().retokenized == 1


def base_of(desk: Desk) -> EndpointLanguageModel:
    loaded = desk.engine._loaded
    assert loaded is not None
    model = loaded.ensemble.models[0]
    assert isinstance(model, EndpointLanguageModel)
    return model


def test_ids_are_not_sent_to_a_server_that_reads_them_in_another_way(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    """Its ids mean other tokens: the probe shows it, and the text is sent."""
    server.kind = replace(fake_server.PLAIN, shift=3)
    recipe = behind(server, llama.recipe(0.0, temperature=0.0, max_new_tokens=4), top=8)
    desk.load(recipe)
    assert not base_of(desk).profile.ids
    server.seen.clear()
    desk.generate(recipe)
    assert all(isinstance(prompt, str) for prompt in server.prompts)


def test_a_long_prompt_is_one_request(server: FakeServer, desk: Desk, llama: tiny.Family) -> None:
    recipe = behind(server, llama.recipe(temperature=0.0, max_new_tokens=1), top=5)
    desk.load(recipe)
    server.seen.clear()
    assert desk.engine._loaded is not None
    ids = [5 + place % 200 for place in range(500)]
    with torch.inference_mode():
        rows = desk.engine._loaded.ensemble.prefill([ids, ids, ids])
    assert server.prompts == [ids]
    assert torch.isfinite(rows.combined(0, (1.0,))).sum() == 5
