"""Loading a recipe: once for each checkpoint, told as it goes, refused with one clear sentence."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BertConfig, BertForMaskedLM, BertModel

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe as load_opened
from app.checkpoints.opening import open_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.status import LoadProgress
from app.checkpoints.vocabulary.compare import compare_vocabularies, require_shared
from app.errors import (
    Cancelled,
    CheckpointError,
    DeviceError,
    PromptError,
    TuneshiftError,
    VocabularyError,
)
from tests import tiny

ROLES = ["base", "expert “Style”", "anti-expert “Style”"]


def load_recipe(recipe: Recipe, *args: Any, **options: Any) -> LoadedRecipe:
    """Open and load, as the engine does."""
    opened = open_recipe(recipe)
    report = compare_vocabularies(opened)
    require_shared(report)
    return load_opened(opened, report.masked_ids, *args, **options)


def with_base(recipe: Recipe, folder: Path, **options: str) -> Recipe:
    return replace(recipe, base=tiny.spec(folder, **options))


@pytest.fixture
def library_log() -> Iterator[list[str]]:
    """What transformers logs, which would come out on stderr."""
    seen: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    yield seen
    logger.removeHandler(handler)


@pytest.fixture
def folder(llama: tiny.Family, tmp_path: Path) -> Path:
    """A good base that a test may damage."""
    return Path(shutil.copytree(llama.base, tmp_path / "model"))


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.slow
def test_roles_are_told_as_they_run(tiny_recipe: Recipe, llama: tiny.Family) -> None:
    loaded = load_recipe(tiny_recipe)
    assert [role.role for role in loaded.roles] == ROLES
    assert [role.source for role in loaded.roles] == [
        f"folder:{path}" for path in (llama.base, llama.expert, llama.antiexpert)
    ]
    parameters = sum(tensor.numel() for tensor in llama.models()[0].parameters())
    for role in loaded.roles:
        assert (role.dtype, role.device, role.shared) == ("float32", "cpu", False)
        assert role.parameters == parameters
    assert loaded.eos_ids == {0}
    assert len(loaded.token_labels()) == tiny.VOCABULARY


@pytest.mark.slow
def test_loaded_logits_equal_those_of_transformers(tiny_recipe: Recipe, llama: tiny.Family) -> None:
    with torch.inference_mode():
        loaded = load_recipe(tiny_recipe)
        prompts = loaded.encode("the king said")
        ids = tiny.make_tokenizer().encode("the king said").ids
        assert prompts == [ids] * 3
        rows = loaded.ensemble.prefill(prompts).rows[:, 0]
        for row, model in zip(rows, llama.models(), strict=True):
            expected = model(torch.tensor([ids])).logits[0, -1]
            torch.testing.assert_close(row, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("stored", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("asked", ["auto", "bfloat16", "float16", "float32"])
def test_the_dtype_in_force_is_the_one_reported(
    tmp_path: Path, stored: torch.dtype, asked: str
) -> None:
    folder = tiny.save(tiny.make_model("llama", 0).to(stored), tmp_path / "m")
    spec = tiny.spec(folder, dtype=asked)
    loaded = load_recipe(Recipe("r", spec, (ExpertPair("Style", spec, spec),)))
    expected = str(stored).removeprefix("torch.") if asked == "auto" else asked
    assert {role.dtype for role in loaded.roles} == {expected}
    logits = loaded.ensemble.prefill(loaded.encode("the king"))
    assert logits.rows.dtype == torch.float32
    (model,) = models_of(loaded)
    assert {str(p.dtype) for p in model.parameters()} == {f"torch.{expected}"}


def models_of(loaded: LoadedRecipe) -> list[torch.nn.Module]:
    """The distinct models that the evaluations run."""
    models = {id(e.model): e.model for e in loaded.ensemble.models}
    return list(models.values())


def test_a_checkpoint_in_two_roles_is_one_model_and_one_evaluation(llama: tiny.Family) -> None:
    anti = tiny.spec(llama.antiexpert)
    recipe = Recipe(
        "r",
        tiny.spec(llama.base),
        (
            ExpertPair("A", tiny.spec(llama.expert), anti),
            ExpertPair("B", tiny.spec(llama.base), anti),
        ),
    )
    loaded = load_recipe(recipe)
    assert [role.shared for role in loaded.roles] == [False, False, False, True, True]
    assert len(models_of(loaded)) == 3
    assert len(loaded.encode("the king")) == 3
    assert loaded.by_role(["b", "x", "a"]) == ["b", "x", "a", "b", "a"]
    assert [(pair.name, pair.expert, pair.antiexpert) for pair in loaded.ensemble.pairs] == [
        ("A", 1, 2),
        ("B", 0, 2),
    ]


def test_other_prompts_share_the_weights_and_not_the_evaluation(llama: tiny.Family) -> None:
    plain = tiny.spec(llama.antiexpert)
    asking = tiny.spec(llama.antiexpert, prompt="Q: {prompt} A:")
    recipe = Recipe("r", tiny.spec(llama.base), (ExpertPair("A", asking, plain),))
    loaded = load_recipe(recipe)
    assert len(models_of(loaded)) == 2
    assert [role.shared for role in loaded.roles] == [False, False, True]
    encode = tiny.make_tokenizer().encode
    assert loaded.encode("12?") == [
        encode("12?").ids,
        encode("Q: 12? A:").ids,
        encode("12?").ids,
    ]


def test_one_folder_under_two_names_is_one_model(llama: tiny.Family) -> None:
    spec = tiny.spec(llama.base)
    other = CheckpointSpec(
        f"folder:{llama.base.parent / 'expert' / '..' / 'base'}", dtype=spec.dtype
    )
    loaded = load_recipe(Recipe("r", spec, (ExpertPair("A", other, spec),)))
    assert len(models_of(loaded)) == 1


def test_other_dtypes_are_other_weights(llama: tiny.Family) -> None:
    spec = tiny.spec(llama.base)
    loaded = load_recipe(
        Recipe("r", spec, (ExpertPair("A", replace(spec, dtype="bfloat16"), spec),))
    )
    assert [role.dtype for role in loaded.roles] == ["float32", "bfloat16", "float32"]
    assert len(models_of(loaded)) == 2


@pytest.mark.slow
def test_end_of_sequence_is_the_union_of_all_roles(llama: tiny.Family, folder: Path) -> None:
    change_config(folder, eos_token_id=[5, 6])
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token_id": 9}))
    recipe = replace(
        llama.recipe(), pairs=(ExpertPair("A", tiny.spec(folder), tiny.spec(llama.expert)),)
    )
    assert load_recipe(recipe).eos_ids == {0, 5, 6, 9}


def test_progress_reaches_the_total_of_every_checkpoint(
    tiny_recipe: Recipe, llama: tiny.Family
) -> None:
    seen: list[LoadProgress] = []
    load_recipe(tiny_recipe, seen.append)
    assert list(dict.fromkeys(item.role for item in seen)) == ROLES
    for role, path in zip(ROLES, (llama.base, llama.expert, llama.antiexpert), strict=True):
        mine = [item for item in seen if item.role == role]
        size = sum(tensor.nbytes for tensor in load_file(path / "model.safetensors").values())
        assert {item.total for item in mine} == {size}
        assert [item.done for item in mine] == sorted(item.done for item in mine)
        assert (mine[0].done, mine[-1].done) == (0, size)
        assert len(mine) > 3


@pytest.mark.slow
def test_loading_says_nothing_on_stderr(
    tiny_recipe: Recipe, capfd: pytest.CaptureFixture[str], library_log: list[str]
) -> None:
    load_recipe(tiny_recipe)
    assert capfd.readouterr() == ("", "")
    assert library_log == []


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1, 5, 30])
def test_loading_can_be_cancelled_at_any_tensor(tiny_recipe: Recipe, after: int) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(Cancelled):
        load_recipe(tiny_recipe, cancelled=cancelled)
    assert asked == after + 1
    load_recipe(tiny_recipe)


@pytest.mark.slow
def test_shards_are_loaded(llama: tiny.Family, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(llama.base, tmp_path / "sharded"))
    (folder / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(llama.base).save_pretrained(folder, max_shard_size="50KB")
    loaded = load_recipe(with_base(llama.recipe(), folder))
    expected = load_recipe(llama.recipe())
    prompts = expected.encode("the king")
    torch.testing.assert_close(
        loaded.ensemble.prefill(prompts).rows, expected.ensemble.prefill(prompts).rows
    )


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def damaged_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"version": "1.0"')


def configured(**changes: object) -> Callable[[Path], None]:
    return lambda folder: change_config(folder, **changes)


def edited(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    """A damage that saves other tensors in a weight file that is whole."""

    def damage(folder: Path) -> None:
        path = folder / "model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path, {"format": "pt"})

    return damage


def unknown_number_format(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"Q32"', 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (no_tokenizer, "The tokenizer in .* cannot be read"),
        (damaged_tokenizer, "The tokenizer in .* cannot be read"),
        (configured(model_type="nonsense"), "cannot be loaded.*nonsense"),
        (configured(model_type="t5"), "cannot be loaded"),
        (configured(hidden_size="wide"), "cannot be loaded.*hidden_size"),
        (configured(num_attention_heads=0), "cannot be loaded"),
        (configured(num_hidden_layers=3), "9 tensors are missing.*layers.2"),
        (configured(hidden_size=64), "tensors are missing or of another shape"),
        (configured(vocab_size=99), "2 tensors are missing or of another shape.*lm_head"),
        (
            edited(lambda tensors: tensors.pop("model.norm.weight")),
            r"1 tensors are missing.*model\.norm\.weight",
        ),
        (
            edited(lambda tensors: tensors.update({"model.norm.weight": torch.ones(7)})),
            r"1 tensors are missing or of another shape.*model\.norm\.weight",
        ),
        (unknown_number_format, "cannot be loaded.*Q32"),
    ],
)
def test_a_checkpoint_that_does_not_work_is_refused(
    llama: tiny.Family,
    folder: Path,
    damage: Callable[[Path], None],
    said: str,
    capfd: pytest.CaptureFixture[str],
    library_log: list[str],
) -> None:
    damage(folder)
    with pytest.raises(CheckpointError, match=said) as caught:
        load_recipe(with_base(llama.recipe(), folder))
    assert str(folder) in str(caught.value)
    assert caught.value.next_step
    assert capfd.readouterr() == ("", "")
    assert library_log == []


@pytest.mark.parametrize("kind", [BertForMaskedLM, BertModel])
def test_an_encoder_is_refused(llama: tiny.Family, tmp_path: Path, kind: type) -> None:
    config = BertConfig(
        vocab_size=tiny.VOCABULARY,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    kind(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(llama.base / name, tmp_path)
    with pytest.raises(CheckpointError, match=r"can read text but not continue it.*bert"):
        load_recipe(with_base(llama.recipe(), tmp_path))


def test_a_model_with_another_output_layer_is_refused(llama: tiny.Family, folder: Path) -> None:
    change_config(folder, architectures=["LlamaForSequenceClassification"])
    with pytest.raises(CheckpointError, match=r"not continue it.*LlamaForSequenceClassification"):
        open_recipe(with_base(llama.recipe(), folder), weights_required=False)


def test_everything_is_checked_before_weights_are_read(llama: tiny.Family, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    pairs = (ExpertPair("A", tiny.spec(llama.expert), tiny.spec(folder)),)
    seen: list[LoadProgress] = []
    with pytest.raises(CheckpointError):
        load_recipe(replace(llama.recipe(), pairs=pairs), seen.append)
    assert seen == []


def test_another_vocabulary_is_refused(llama: tiny.Family, folder: Path) -> None:
    path = folder / "tokenizer.json"
    table = json.loads(path.read_text())
    vocabulary = table["model"]["vocab"]
    last = len(vocabulary) - 1
    table["model"]["vocab"] = {
        token: index if index == 0 else last + 1 - index for token, index in vocabulary.items()
    }
    path.write_text(json.dumps(table))
    pairs = (ExpertPair("A", tiny.spec(folder), tiny.spec(llama.antiexpert)),)
    with pytest.raises(VocabularyError, match="expert “A” has another vocabulary") as caught:
        load_recipe(replace(llama.recipe(), pairs=pairs))
    assert f"of {len(vocabulary)} tokens differ" in caught.value.evidence
    assert "in the base and" in caught.value.evidence


def grow_tokenizer(folder: Path, token: str) -> int:
    """Give the tokenizer in ``folder`` one more token; its id."""
    path = folder / "tokenizer.json"
    table = json.loads(path.read_text())
    index = len(table["model"]["vocab"])
    table["added_tokens"].append(
        {
            "id": index,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": False,
        }
    )
    path.write_text(json.dumps(table))
    return index


@pytest.mark.slow
def test_padding_rows_and_ids_of_some_roles_are_masked(llama: tiny.Family, tmp_path: Path) -> None:
    """A base with padding rows and a token of its own; experts of fewer rows."""
    base = tiny.save(tiny.make_model("llama", 8, tiny.VOCABULARY + 16), tmp_path / "base")
    own = grow_tokenizer(base, "<own>")
    loaded = load_recipe(with_base(llama.recipe(), base))
    logits = loaded.ensemble.prefill(loaded.encode("the king"))
    combined = logits.combined(0, (1.0,))
    assert combined.shape == (tiny.VOCABULARY + 16,)
    assert torch.isfinite(combined[: tiny.VOCABULARY]).all()
    assert own == tiny.VOCABULARY
    assert torch.isneginf(combined[tiny.VOCABULARY :]).all()


@pytest.mark.slow
def test_ids_beyond_the_rows_of_a_role_are_masked(llama: tiny.Family, tmp_path: Path) -> None:
    """All tokenizers name an id for which the expert's model has no row."""
    folders = []
    for seed, rows in enumerate((tiny.VOCABULARY + 8, tiny.VOCABULARY, tiny.VOCABULARY + 8)):
        folder = tiny.save(tiny.make_model("llama", seed, rows), tmp_path / str(seed))
        own = grow_tokenizer(folder, "<own>")
        folders.append(tiny.spec(folder))
    loaded = load_recipe(Recipe("r", folders[0], (ExpertPair("A", *folders[1:]),)))
    combined = loaded.ensemble.prefill(loaded.encode("the king")).combined(0, (1.0,))
    assert torch.isneginf(combined[own])


@pytest.mark.slow
def test_the_same_token_as_special_or_not_is_the_same(llama: tiny.Family, folder: Path) -> None:
    """Instruct models mark tokens as special that their bases do not."""
    path = folder / "tokenizer.json"
    table = json.loads(path.read_text())
    table["added_tokens"] = []
    path.write_text(json.dumps(table))
    loaded = load_recipe(with_base(llama.recipe(), folder))
    assert not torch.isneginf(loaded.ensemble.prefill(loaded.encode("the king")).rows).any()


def test_an_unknown_device_is_refused(tiny_recipe: Recipe) -> None:
    recipe = replace(tiny_recipe, base=replace(tiny_recipe.base, device="abacus"))
    with pytest.raises(DeviceError, match=r"no device “abacus”.*cpu"):
        load_recipe(recipe)


CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message.role == 'tool' %}{{ raise_exception('no') }}"
    "{% endif %}[{{ message.role }}]{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}[me]{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}x"
)


@pytest.mark.parametrize(
    ("format_", "system", "text"),
    [
        ("plain", "ignored", "12?"),
        ("chat", "", "[user]12?[me]"),
        ("chat", "Be brief.", "[system]Be brief.[user]12?[me]"),
        ("Q: {prompt} A:", "", "Q: 12? A:"),
        ("{system} Q: {prompt} A:", "Go", "Go Q: 12? A:"),
    ],
)
def test_prompt_formats(
    llama: tiny.Family, folder: Path, format_: str, system: str, text: str
) -> None:
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    loaded = load_recipe(with_base(llama.recipe(), folder, prompt=format_, system=system))
    encode = tiny.make_tokenizer().encode
    assert loaded.encode("12?")[:2] == [encode(text).ids, encode("12?").ids]


def encoding_error(loaded: LoadedRecipe, prompt: str) -> TuneshiftError:
    with pytest.raises(PromptError) as caught:
        loaded.encode(prompt)
    return caught.value


@pytest.mark.slow
def test_prompts_that_cannot_be_encoded(llama: tiny.Family, folder: Path) -> None:
    assert "The prompt is empty" in str(encoding_error(load_recipe(llama.recipe()), ""))
    chat = with_base(llama.recipe(), folder, prompt="chat", system="Be brief.")
    assert "has no chat template" in str(encoding_error(load_recipe(chat), "a"))
    (folder / "chat_template.jinja").write_text(NO_SYSTEM)
    assert "no system role" in str(encoding_error(load_recipe(chat), "a"))


def test_text_of_a_prompt_that_looks_like_a_template_is_kept(llama: tiny.Family) -> None:
    recipe = with_base(llama.recipe(), llama.base, prompt="{system}|{prompt}", system="{prompt}")
    (ids, *_) = load_recipe(recipe).encode("{system} {prompt}")
    assert tiny.make_tokenizer().decode(ids) == "{prompt}|{system} {prompt}"


def test_what_may_be_offloaded_is_loaded_last(llama: tiny.Family) -> None:
    recipe = llama.recipe()
    recipe = replace(recipe, base=replace(recipe.base, offload=True))
    seen: list[str] = []
    loaded = load_recipe(recipe, lambda progress: seen.append(progress.role))
    assert list(dict.fromkeys(seen)) == ["expert “Style”", "anti-expert “Style”", "base"]
    assert [role.role for role in loaded.roles] == ["base", "expert “Style”", "anti-expert “Style”"]
    assert not any(role.shared for role in loaded.roles)
