"""Models that misbehave: what they do is named, and nothing crashes."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, normalizers
from torch import Tensor

from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.spec import Recipe
from app.decoding.decode import decode
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble, Pair
from app.decoding.speculative import Speculator
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from app.errors import ModelError
from app.settings import Settings
from app.ui.state.session import LoadState, Session
from app.ui.status_bar import StatusBar
from tests import tiny
from tests.decoding.table_model import VOCABULARY, TableModel, tables
from tests.ui.conftest import EngineBridge

GREEDY = GenerationConfig(max_new_tokens=6, temperature=0.0)
SAMPLED = GenerationConfig(max_new_tokens=6, temperature=1.0, top_p=0.9, top_k=5)
PENALIZED = GenerationConfig(max_new_tokens=6, temperature=0.7, repetition_penalty=1.3, min_p=0.1)
INFINITE = math.inf


def draw(
    rows: list[Tensor],
    config: GenerationConfig,
    *,
    speculator: Speculator | None = None,
    usable: Tensor | None = None,
    alpha: float = 1.0,
) -> list[TokenStep]:
    ensemble = Ensemble(
        [TableModel(table) for table in rows], ("base", "expert", "antiexpert"),
        [Pair("Style", 1, 2)], usable,
    )  # fmt: skip
    steps = decode(
        ensemble,
        [[3, 4]] * 3,
        config,
        detokenizer=Detokenizer(tiny.make_tokenizer(), [3, 4]),
        eos_ids=(),
        alphas=lambda: (alpha,),
        speculator=speculator,
    )
    return list(steps)


@pytest.fixture(params=[False, True], ids=["plain", "drafted"])
def speculator(request: pytest.FixtureRequest) -> Speculator | None:
    return Speculator() if request.param else None


@pytest.mark.parametrize("config", [GREEDY, SAMPLED, PENALIZED], ids=["greedy", "top", "penalty"])
@pytest.mark.parametrize("value", [math.nan, INFINITE], ids=str)
@pytest.mark.parametrize("role", [0, 1, 2])
def test_logits_that_are_no_numbers_name_their_role(
    role: int, value: float, config: GenerationConfig, speculator: Speculator | None
) -> None:
    rows = tables(3, 0)
    rows[role][:, 5] = value
    with pytest.raises(ModelError) as raised:
        draw(rows, config, speculator=speculator)
    assert ("base", "expert", "antiexpert")[role] in str(raised.value)
    assert "not numbers" in str(raised.value)


@pytest.mark.parametrize("config", [GREEDY, SAMPLED, PENALIZED], ids=["greedy", "top", "penalty"])
def test_a_row_without_a_token_is_named(
    config: GenerationConfig, speculator: Speculator | None
) -> None:
    rows = tables(3, 0)
    rows[0][:] = -INFINITE
    with pytest.raises(ModelError, match="base"):
        draw(rows, config, speculator=speculator)


@pytest.mark.parametrize("config", [GREEDY, SAMPLED, PENALIZED], ids=["greedy", "top", "penalty"])
@pytest.mark.parametrize("alpha", [1.0, 0.0, -2.0])
def test_a_token_that_both_models_of_a_pair_forbid_is_left_to_the_base(
    config: GenerationConfig, alpha: float, speculator: Speculator | None
) -> None:
    """−∞ − −∞ is no number, and no number would win every comparison."""
    forbidden, indifferent = tables(3, 0), tables(3, 0)
    for pair in (1, 2):
        forbidden[pair][:, 5] = -INFINITE
        indifferent[pair][:, 5] = 0.0
    drawn = draw(forbidden, config, speculator=speculator, alpha=alpha)
    expected = draw(indifferent, config, alpha=alpha)
    assert [step.token_id for step in drawn] == [step.token_id for step in expected]


@pytest.mark.parametrize("config", [GREEDY, SAMPLED], ids=["greedy", "top"])
def test_tokens_that_one_model_forbids_are_no_trouble(
    config: GenerationConfig, speculator: Speculator | None
) -> None:
    rows = tables(3, 0)
    rows[0][:, 5] = rows[1][:, 6] = -INFINITE
    assert {step.token_id for step in draw(rows, config, speculator=speculator)} & {5, 6} == set()


def test_a_base_that_wants_masked_tokens_alone_is_named() -> None:
    rows = tables(3, 0)
    rows[0][:, 1:] = -INFINITE
    usable = torch.ones(VOCABULARY, dtype=torch.bool)
    usable[0] = False
    with pytest.raises(ModelError, match="base"):
        draw(rows, SAMPLED, usable=usable)


# In the window


@pytest.fixture
def bridge(qapp: object) -> Iterator[EngineBridge]:
    made = EngineBridge()
    yield made
    made.engine.unload()


def session_of(recipe: Recipe, bridge: EngineBridge) -> Session:
    session = Session(bridge, recipe, Settings())  # type: ignore[arg-type]
    bridge.ready()
    session.load()
    bridge.work()
    assert session.load_state is LoadState.LOADED
    return session


def test_a_text_that_ends_at_once_is_a_text(
    bridge: EngineBridge, llama: tiny.Family, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(llama.base, tmp_path / "base"))
    every = {"eos_token_id": list(range(tiny.VOCABULARY))}
    for name in ("config.json", "generation_config.json"):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | every))
    session = session_of(replace(llama.recipe(), base=tiny.spec(folder)), bridge)
    session.runs.generate("the king")
    bridge.work()
    run = session.runs.current
    assert run is not None
    assert run.finish_reason is FinishReason.EOS
    assert run.tokens == []
    assert session.problem is None
    line = StatusBar(session)
    assert line._describe_state() == "Ended at the end-of-text token"
    session.runs.continue_run()
    bridge.work()
    assert session.problem is None
    line.deleteLater()


def test_a_model_that_breaks_in_the_middle_keeps_what_has_come(
    bridge: EngineBridge, llama: tiny.Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_of(llama.recipe(), bridge)
    from app.decoding.language_model import TransformersLanguageModel

    extend = TransformersLanguageModel.extend

    def broken(self: TransformersLanguageModel, tokens: Tensor, last: int = 1) -> Tensor:
        logits = extend(self, tokens, last)
        return logits * math.nan if self.length > 8 else logits

    monkeypatch.setattr(TransformersLanguageModel, "extend", broken)
    session.runs.generate("the king")
    bridge.work()
    run = session.runs.current
    assert run is not None
    assert run.failed
    assert run.tokens
    assert session.problem is not None
    assert "computed logits that are not numbers" in str(session.problem.error)
    monkeypatch.undo()
    session.runs.generate("the king")
    bridge.work()
    assert session.problem is None


# Tokenizers


def lossy(folder: Path) -> Path:
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.save(str(path))
    return folder


def test_a_tokenizer_that_changes_the_prompt_is_named_and_used(
    bridge: EngineBridge, llama: tiny.Family, tmp_path: Path
) -> None:
    folders = [
        lossy(Path(shutil.copytree(source, tmp_path / str(place))))
        for place, source in enumerate((llama.base, llama.expert, llama.antiexpert))
    ]
    recipe = tiny.Family(*folders).recipe()
    said = preflight(open_recipe(recipe), "Once upon a time the King said")
    assert any(
        "tokenizer of the base" in text and "“once upon a time the…”" in text
        for text in said.warnings
    )
    assert preflight(open_recipe(recipe), "the king").warnings == ()
    session = session_of(recipe, bridge)
    session.runs.generate("The KING 한국 \U0001f3f4\u200d\u2620")
    bridge.work()
    run = session.runs.current
    assert run is not None
    assert run.finish_reason in (FinishReason.LENGTH, FinishReason.CONTEXT, FinishReason.EOS)
