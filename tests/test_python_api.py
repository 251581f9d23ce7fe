"""The Python API: its numbers are those of the engine and of plain forward passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import torch

import app
from app.api import Sampling
from app.attribution.explained_token import ExplainedToken
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason, GenerationConfig
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, TokenDecoded
from app.errors import PromptError, RecipeError, SettingsError
from app.history.export.token_table import PAIR_UNITS
from tests import tiny

pytestmark = pytest.mark.unit

PROMPT = "the king said"
ALPHA = 0.7


@pytest.fixture(scope="module")
def recipe(llama: tiny.Family) -> Recipe:
    return llama.recipe(ALPHA, temperature=0.0)


@pytest.fixture(scope="module")
def models(recipe: Recipe) -> Iterator[app.Models]:
    with app.load(recipe, prove=False) as loaded:
        yield loaded


def plain_logprobs(family: tiny.Family, ids: list[int], first: int) -> tuple[torch.Tensor, ...]:
    """Log-probabilities of base and tuned for the ids from ``first`` on, from whole texts."""
    with torch.inference_mode():
        base, expert, antiexpert = (
            model(torch.tensor([ids])).logits[0, first - 1 : -1].double()
            for model in family.models()
        )
    tuned = base + ALPHA * (expert - antiexpert)
    return base.log_softmax(-1), tuned.log_softmax(-1)


def check_numbers(family: tiny.Family, run: app.ModelRun) -> None:
    """Compare every token of a run with plain forward passes in another order."""
    prompt = tiny.make_tokenizer().encode(PROMPT).ids
    ids = [token.token_id for token in run.tokens]
    base, tuned = plain_logprobs(family, [*prompt, *ids], len(prompt))
    for token, of_base, of_tuned in zip(run.tokens, base, tuned, strict=True):
        found = token.attribution
        assert found.logprob_base == pytest.approx(of_base[token.token_id].item(), abs=1e-4)
        assert found.logprob_tuned == pytest.approx(of_tuned[token.token_id].item(), abs=1e-4)
        rank = int((of_tuned > of_tuned[token.token_id]).sum()) + 1
        assert found.rank_tuned == rank
        assert found.argmax_base == int(of_base.argmax())
        kl = float((of_tuned.exp() * (of_tuned - of_base)).sum())
        assert found.kl == pytest.approx(kl, abs=1e-4)
        assert sum(found.contributions) == pytest.approx(found.p_tuned - found.p_base, abs=1e-6)


def test_a_generated_text_is_that_of_plain_forward_passes(
    llama: tiny.Family, models: app.Models
) -> None:
    run = app.generate(models, PROMPT, max_new_tokens=10)
    assert len(run.tokens) == 10
    assert run.finish_reason is FinishReason.LENGTH
    assert [token.token_id for token in run.tokens] == [
        token.attribution.argmax_tuned for token in run.tokens
    ]
    check_numbers(llama, run)


def test_a_scored_text_is_that_of_plain_forward_passes(
    llama: tiny.Family, models: app.Models
) -> None:
    text = " that the night was long"
    run = app.score(models, PROMPT, text)
    assert run.text == text
    assert all(token.forced for token in run.tokens)
    check_numbers(llama, run)


def test_numbers_are_those_of_the_engine_that_the_window_runs(
    recipe: Recipe, models: app.Models
) -> None:
    events: list[Event] = []
    engine = Engine(events.append)
    engine.handle(Load(1, recipe, Cancellation()))
    config = GenerationConfig(max_new_tokens=8, temperature=1.0, seed=3)
    engine.handle(Generate(2, PROMPT, config, LiveAlphas((1.5,)), Cancellation()))
    expected = [
        ExplainedToken.of(event.step, event.attribution)
        for event in events
        if isinstance(event, TokenDecoded)
    ]
    run = app.generate(
        models, PROMPT, alphas=[1.5], max_new_tokens=8, temperature=1.0, top_p=0.95, seed=3
    )
    assert [token.token_id for token in run.tokens] == [token.token_id for token in expected]
    for found, told in zip(run.tokens, expected, strict=True):
        assert found.attribution.logprob_tuned == pytest.approx(
            told.attribution.logprob_tuned, abs=1e-5
        )
        assert found.alphas == told.alphas == (1.5,)


def test_a_role_generates_alone(llama: tiny.Family, models: app.Models) -> None:
    run = app.generate(models, PROMPT, role=1, max_new_tokens=6)
    assert run.pair_names == ()
    prompt = tiny.make_tokenizer().encode(PROMPT).ids
    expert = llama.models()[1]
    with torch.inference_mode():
        ids = expert.generate(  # type: ignore[operator]
            torch.tensor([prompt]), max_new_tokens=6, do_sample=False, pad_token_id=0
        )[0, len(prompt) :].tolist()
    assert [token.token_id for token in run.tokens] == ids


def test_candidates_and_tokens_arrive_if_they_are_asked_for(models: app.Models) -> None:
    told: list[ExplainedToken] = []
    run = app.generate(models, PROMPT, max_new_tokens=4, candidates=True, on_token=told.append)
    assert tuple(told) == run.tokens
    for token, table in zip(run.tokens, run.candidates, strict=True):
        assert table.token_ids[0] == token.attribution.argmax_tuned
        place = table.token_ids.tolist().index(token.token_id)
        assert table.p_tuned[place] == pytest.approx(token.attribution.p_tuned, abs=1e-6)
    assert app.generate(models, PROMPT, max_new_tokens=4).candidates == ()


def test_a_table_of_two_runs_has_a_row_for_each_token(models: app.Models, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    tuned = app.generate(models, PROMPT, max_new_tokens=5)
    alone = app.generate(models, PROMPT, role=0, max_new_tokens=3)
    frame = pandas.DataFrame(app.token_columns([tuned, alone]))
    assert frame.groupby("run_id", sort=False).size().to_dict() == {
        tuned.run_id: 5,
        alone.run_id: 3,
    }
    assert frame["contribution Style"].notna().sum() == len(tuned.tokens)
    for name in ("tokens.csv", "tokens.parquet"):
        app.save_tokens([tuned, alone], tmp_path / name)
    numbers = {f"{what} Style": "" for what in PAIR_UNITS}
    read = pandas.read_csv(tmp_path / "tokens.csv", keep_default_na=False, na_values=numbers)
    pandas.testing.assert_frame_equal(read, frame, check_dtype=False)
    columns = pandas.read_parquet(tmp_path / "tokens.parquet")
    pandas.testing.assert_frame_equal(columns, frame, check_dtype=False)


def test_the_table_says_which_tokens_skipped_the_pairs(models: app.Models) -> None:
    run = app.generate(models, PROMPT, max_new_tokens=6, alpha_policy="ramp:2:0:3")
    skipped = app.token_columns([run])["skipped"]
    assert [index for index, found in enumerate(skipped) if found] == sorted(run.skipped)
    assert run.skipped == set(range(3, len(run.tokens)))
    assert not app.generate(models, PROMPT, max_new_tokens=4).skipped


def test_a_conversation_is_answered(models: app.Models) -> None:
    run = app.generate(models, [{"role": "user", "content": "Who?"}], max_new_tokens=2)
    assert len(run.tokens) <= 2
    assert not isinstance(run.prompt, str)


def test_a_scored_answer_does_not_end_where_another_turn_would_begin(models: app.Models) -> None:
    text = "ok\n\nUser:\nthe king said"
    run = app.score(models, [{"role": "user", "content": "Who?"}], text)
    assert run.text == text
    assert run.finish_reason is FinishReason.LENGTH


def test_errors_say_what_is_wrong(models: app.Models, recipe: Recipe) -> None:
    with pytest.raises(SettingsError, match="one alpha for each"):
        app.generate(models, PROMPT, alphas=[1.0, 2.0])
    for place in (3, 9, -1):
        with pytest.raises(SettingsError, match=f"no role {place} .the roles are 0 to 2: base, "):
            app.generate(models, PROMPT, role=place)
    with pytest.raises(SettingsError, match="The base alone has no alphas"):
        app.score(models, PROMPT, " that", role=0, alphas=[1.0])
    with pytest.raises(RecipeError, match="A recipe and a base cannot be loaded together"):
        app.load(recipe, base="a", experts=["b"], antiexperts=["c"])
    with pytest.raises(SettingsError, match="temperature"):
        app.generate(models, PROMPT, temperature=-1.0)
    with pytest.raises(PromptError, match="no text to score"):
        app.score(models, PROMPT, "")
    with pytest.raises(RecipeError, match="need a base"):
        app.load(experts=["a"])
    with pytest.raises(SettingsError, match="one alpha for each"):
        app.load(recipe, alphas=[])
    released = app.load(recipe, prove=False)
    released.close()
    with pytest.raises(RecipeError, match="released"):
        app.generate(released, PROMPT)


def test_the_settings_are_those_of_the_engine() -> None:
    assert list(Sampling.__annotations__) == [each.name for each in fields(GenerationConfig)]


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="unknown"):
        getattr(app, "unknown")  # noqa: B009 — mypy knows that there is none


@pytest.mark.slow
def test_the_example_of_the_documentation_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    text = (Path(__file__).parents[1] / "docs/python-api.md").read_text("utf-8")
    indented = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    assert len([line for line in indented if line]) == 10
    monkeypatch.chdir(tmp_path)
    exec("\n".join(indented), {})
    assert "shift_bits" in capsys.readouterr().out
    table = pandas.read_parquet("tokens.parquet")
    assert table["run_id"].nunique() == 3
    added = table.filter(regex=r"^contribution ").sum(axis=1)
    assert added.to_numpy() == pytest.approx((table["p_tuned"] - table["p_base"]).to_numpy())
