"""Tuned rows of a step against plain forward passes of the three models."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import processors
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from app.checkpoints.loading.loaded_pairs import LoadedPairs
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CHAT, Recipe
from app.errors import CheckpointError, ModelError, RecipeError, SettingsError, VocabularyError
from app.inside_vllm import pair_steps
from app.inside_vllm.additional_config import RECIPE
from app.inside_vllm.pair_steps import PairRows, PairSteps, ServedText
from app.inside_vllm.report_sender import ReportSender
from app.inside_vllm.token_records import TokenRecords
from app.inside_vllm.tuned_rows import TunedRows
from tests import tiny

PROMPT = [5, 80, 33, 200, 7]


def loaded(recipe: Recipe, folder: Path, rows: int = tiny.VOCABULARY) -> TunedRows:
    file = folder / "recipe.toml"
    write_recipe(recipe, file)
    return TunedRows.from_config({RECIPE: str(file)}, "cpu", rows)


@pytest.mark.slow
def test_rows_of_requests_with_their_own_alphas(llama: tiny.Family, tmp_path: Path) -> None:
    tuned = loaded(llama.recipe(), tmp_path)
    assert tuned.text(PROMPT, [], {"alpha": 0}) is None
    one, two = tuned.text(PROMPT, [], None), tuned.text(PROMPT, [9], {"alpha.Style": -0.5})
    assert one is not None
    assert two is not None
    texts = [torch.tensor([ids]) for ids in (PROMPT, [*PROMPT, 9])]
    with torch.inference_mode():
        base, expert, antiexpert = (
            torch.stack([model(text).logits[0, -1] for text in texts]) for model in llama.models()
        )
    found = tuned.tune(torch.stack([base[1], base[0], base[0]]), {0: two, 2: one})
    expected = base + torch.tensor([[1.0], [-0.5]]) * (expert - antiexpert)
    torch.testing.assert_close(found[0], expected[1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[2], expected[0], atol=1e-4, rtol=1e-4)
    assert torch.equal(found[1], base[0])  # not tuned: it is the base's own, bit for bit


@pytest.mark.slow
def test_a_request_that_cannot_be_read_ends(llama: tiny.Family, tmp_path: Path) -> None:
    tuned = loaded(llama.recipe(), tmp_path)
    texts = {
        0: tuned.text(PROMPT, [], {"alpha.nobody": 1}),
        1: tuned.text([], [], None),
        2: tuned.text(PROMPT * 200, [], None),
    }
    rows = {row: text for row, text in texts.items() if text is not None}
    assert len(rows) == 3
    found = tuned.tune(torch.randn(3, tiny.VOCABULARY), rows)
    assert found.argmax(1).tolist() == [0, 0, 0]  # the end of sequence
    assert tuned.steps.texts == 0


@pytest.mark.slow
def test_a_request_without_a_token_to_sample_ends(
    llama: tiny.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = loaded(llama.recipe(), tmp_path)
    texts = {row: tuned.text(PROMPT[row:], [], None) for row in range(3)}
    told: list[str] = []
    monkeypatch.setattr(ReportSender, "send_error", lambda _, key, sentence: told.append(sentence))
    rows = torch.randn(3, tiny.VOCABULARY, generator=torch.Generator().manual_seed(3))
    rows[0] = -torch.inf
    rows[2, 9] = torch.nan
    found = tuned.tune(rows, {row: text for row, text in texts.items() if text is not None})
    assert found[[0, 2]].argmax(1).tolist() == [0, 0]  # the end of sequence
    assert found[[0, 2], 0].tolist() == [0, 0]
    assert found[1].isfinite().all()
    assert len(told) == 2
    assert "no token to sample" in told[0]


@pytest.mark.slow
def test_the_only_text_of_a_step_that_fails_in_the_middle(
    llama: tiny.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expert = shutil.copytree(llama.expert, tmp_path / "damaged")
    model = LlamaForCausalLM.from_pretrained(expert)
    model.get_input_embeddings().weight.data[319] = torch.nan
    tiny.save(model, expert)
    pair = replace(llama.recipe().pairs[0], expert=tiny.spec(expert))
    tuned = loaded(replace(llama.recipe(), pairs=(pair,)), tmp_path)
    told: list[str] = []
    monkeypatch.setattr(ReportSender, "send_error", lambda _, key, sentence: told.append(sentence))
    output: list[int] = []
    text = tuned.text(PROMPT, output, None)
    assert text is not None
    tuned.tune(torch.randn(1, tiny.VOCABULARY), {0: text})
    assert not told
    output.append(319)
    found = tuned.tune(torch.randn(1, tiny.VOCABULARY), {0: text})
    assert found.argmax(1).tolist() == [0]
    (sentence,) = told
    assert "computed logits that are not numbers" in sentence
    assert tuned.steps.texts == 0


@pytest.mark.slow
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no memory"), IndexError("no such row")])
@pytest.mark.parametrize(("owner", "name"), [(pair_steps, "_joined"), (PairRows, "shifts")])
def test_what_fails_while_rows_are_computed_ends_the_texts_of_the_step(
    llama: tiny.Family,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    error: Exception,
) -> None:
    tuned = loaded(llama.recipe(), tmp_path)
    one, two = tuned.text(PROMPT, [], None), tuned.text(PROMPT[1:], [], None)
    assert one is not None
    assert two is not None

    def failing(*arguments: object) -> object:
        raise error

    rows = torch.randn(3, tiny.VOCABULARY, generator=torch.Generator().manual_seed(3))
    with monkeypatch.context() as memory:
        memory.setattr(owner, name, failing)
        found = tuned.tune(rows.clone(), {0: one, 2: two})
    assert found[[0, 2]].argmax(1).tolist() == [0, 0]  # the end of sequence
    assert torch.equal(found[1], rows[1])
    with torch.inference_mode():
        _, expert, antiexpert = (
            model(torch.tensor([PROMPT])).logits[0, -1] for model in llama.models()
        )
    new = tuned.text(PROMPT, [], None)
    assert new is not None
    found = tuned.tune(rows.clone(), {0: one, 1: new, 2: two})
    assert tuned.steps.texts == 1  # what failed is not read again, though vLLM may go on with it
    assert found[[0, 2]].argmax(1).tolist() == [0, 0]
    torch.testing.assert_close(found[1], rows[1] + expert - antiexpert, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_an_unexpected_error_ends_a_request_and_not_the_engine(
    llama: tiny.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = loaded(llama.recipe(), tmp_path)
    told: list[str] = []
    monkeypatch.setattr(ReportSender, "send_error", lambda _, key, sentence: told.append(sentence))

    def failing(*arguments: object) -> object:
        raise MemoryError

    with monkeypatch.context() as memory:
        memory.setattr(LoadedPairs, "prompts", failing)
        text = tuned.text(PROMPT, [], None)
    assert text is not None
    assert tuned.tune(torch.randn(1, tiny.VOCABULARY), {0: text}).argmax(1).tolist() == [0]
    assert len(told) == 1
    output: list[int] = []
    text = tuned.text(PROMPT, output, {"contributions": True})
    assert text is not None
    tuned.tune(torch.randn(1, tiny.VOCABULARY), {0: text})
    output.append(9)
    with monkeypatch.context() as memory:
        memory.setattr(TokenRecords, "_reducer", failing)
        tuned.report()
    assert len(told) == 2
    assert tuned.steps.texts == 0
    assert tuned.tune(torch.randn(1, tiny.VOCABULARY), {0: text}).argmax(1).tolist() == [0]
    tuned.leave(text)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is reported: errors, and the word “record” for each record."""
    found: list[str] = []
    monkeypatch.setattr(ReportSender, "send_error", lambda _, key, said: found.append(said))
    monkeypatch.setattr(ReportSender, "send_token", lambda _, key, record: found.append("record"))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no memory"), IndexError("“the king”")])
def test_a_request_whose_record_fails_ends_alone(
    llama: tiny.Family,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    told: list[str],
    error: Exception,
) -> None:
    tuned = loaded(llama.recipe(), tmp_path)
    outputs: list[list[int]] = [[], []]
    one, two = (tuned.text(PROMPT, ids, {"contributions": True}) for ids in outputs)
    assert one is not None
    assert two is not None
    known = TokenRecords.known

    def failing(records: TokenRecords, text: ServedText) -> object:
        if text is one:
            raise error
        return known(records, text)

    rows = torch.randn(2, tiny.VOCABULARY, generator=torch.Generator().manual_seed(3))
    tuned.tune(rows.clone(), {0: one, 1: two})
    for ids in outputs:
        ids.append(5)
    with monkeypatch.context() as memory:
        memory.setattr(TokenRecords, "known", failing)
        tuned.report()
    sentence, record = told
    assert record == "record"
    assert ("no memory" in sentence) == isinstance(error, torch.OutOfMemoryError)
    assert "the king" not in sentence + caplog.text  # an error may quote what somebody has sent
    assert type(error).__name__ in caplog.text
    assert "in failing" in caplog.text
    found = tuned.tune(rows.clone(), {0: one, 1: two})
    assert found.argmax(1)[0] == 0
    assert found[1].isfinite().all()
    assert tuned.steps.texts == 1


@pytest.mark.slow
def test_a_request_that_has_failed_costs_no_more(
    llama: tiny.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    """A request that ignores the end of sequence goes on until vLLM is told to stop it."""
    tuned = loaded(llama.recipe(), tmp_path)
    output: list[int] = []
    long = tuned.text(PROMPT * 200, output, None)
    assert long is not None
    read: list[list[ServedText]] = []
    step = PairSteps.step

    def counted(steps: PairSteps, texts: list[ServedText]) -> PairRows:
        read.append(texts)
        return step(steps, texts)

    monkeypatch.setattr(PairSteps, "step", counted)
    for _ in range(3):
        found = tuned.tune(torch.randn(1, tiny.VOCABULARY), {0: long})
        assert found.argmax(1).tolist() == [0]
        output.append(0)
    assert [len(texts) for texts in read if texts] == [1]
    assert len(told) == 1


@pytest.mark.slow
def test_special_tokens_of_a_prompt_stay_in_it(llama: tiny.Family, tmp_path: Path) -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{tiny.EOS} $A", special_tokens=[(tiny.EOS, 0)]
    )
    base = shutil.copytree(llama.base, tmp_path / "base")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=tiny.EOS).save_pretrained(base)
    pair = llama.recipe().pairs[0]
    chat = tiny.with_chat_template(llama.expert, tmp_path / "chat")
    recipe = replace(llama.recipe(), base=tiny.spec(base), pairs=(replace(pair, expert=chat),))
    ids = tokenizer.encode(f"the king{tiny.EOS}the sea").ids
    assert ids.count(0) == 2
    text = loaded(recipe, tmp_path).text(ids, [], None)
    assert text is not None
    expert, antiexpert = text.prompts
    said = tokenizer.decode(list(expert), skip_special_tokens=False)
    assert said == f"[user]the king{tiny.EOS}the sea\n[assistant]"
    assert list(antiexpert) == ids


@pytest.mark.slow
def test_an_expert_with_a_prompt_format_of_its_own(llama: tiny.Family, tmp_path: Path) -> None:
    pair = llama.recipe().pairs[0]
    chat = tiny.with_chat_template(llama.expert, tmp_path / "chat")
    tuned = loaded(replace(llama.recipe(), pairs=(replace(pair, expert=chat),)), tmp_path)
    tokenizer = tiny.make_tokenizer()
    ids = tokenizer.encode("the king").ids
    text = tuned.text(ids, [], None)
    assert text is not None
    assert chat.prompt == CHAT
    assert list(map(tokenizer.decode, text.prompts)) == ["[user]the king\n[assistant]", "the king"]


@pytest.mark.slow
def test_what_cannot_be_loaded_is_refused(
    llama: tiny.Family, gpt2_ids: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="without a recipe"):
        TunedRows.from_config({}, "cpu", 1)
    with pytest.raises(ModelError, match="another model than the base"):
        loaded(llama.recipe(), tmp_path, rows=99)
    with pytest.raises(VocabularyError, match="has another vocabulary than the base"):
        loaded(gpt2_ids, tmp_path)
    policy = replace(llama.recipe().sampling, alpha_policy="kl:0.5")
    with pytest.raises(RecipeError, match="cannot change from token to token"):
        loaded(replace(llama.recipe(), sampling=policy), tmp_path)
    pair = llama.recipe().pairs[0]
    missing = replace(pair, expert=tiny.spec(tmp_path / "nowhere"))
    with pytest.raises(CheckpointError):
        loaded(replace(llama.recipe(), pairs=(missing,)), tmp_path)


@pytest.fixture
def gpt2_ids(llama: tiny.Family, tmp_path: Path) -> Recipe:
    """A recipe whose pair has a tokenizer of its own."""
    tokenizer = tiny.make_metaspace_tokenizer()
    folders = [
        tiny.save(tiny.make_model("llama", seed), tmp_path / str(seed), tokenizer)
        for seed in (7, 8)
    ]
    recipe = llama.recipe()
    expert, antiexpert = map(tiny.spec, folders)
    return replace(recipe, pairs=(replace(recipe.pairs[0], expert=expert, antiexpert=antiexpert),))
