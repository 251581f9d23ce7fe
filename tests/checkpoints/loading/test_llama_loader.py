"""Recipes with roles that llama.cpp reads, against plain forward passes of the same weights."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from app.checkpoints.llama_devices import llama_gpus
from app.checkpoints.loading.beside_transformers import TEXT
from app.checkpoints.loading.llama_loader import LlamaWeights
from app.checkpoints.loading.llama_proof import plainer
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe, still_needed
from app.checkpoints.opening import open_recipe
from app.checkpoints.proof.proof_report import ProofMode, Reading, Shortcut, about_engines
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary.compare import compare_vocabularies
from app.checkpoints.weights_key import weights_keys
from app.decoding.ensemble import Ensemble
from app.decoding.llama_cpp.library import is_installed
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.errors import Cancelled
from tests import tiny, tiny_gguf

pytestmark = [pytest.mark.process, pytest.mark.slow]

PROMPT = [3, 17, 5, 42, 8, 8, 23]
ALPHA = 0.7


@pytest.fixture(autouse=True)
def llama_cpp() -> None:
    if not is_installed():
        pytest.skip("llama.cpp is not installed")


@pytest.fixture(scope="module")
def models() -> list[PreTrainedModel]:
    """A base, an expert and an anti-expert in float32."""
    return [tiny.make_model("llama", seed).float().eval() for seed in (11, 12, 13)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def files(
    models: list[PreTrainedModel], cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[CheckpointSpec]:
    folder = tmp_path_factory.mktemp("gguf")
    paths = [
        tiny_gguf.write(model, folder / f"{number}.gguf") for number, model in enumerate(models)
    ]
    return [CheckpointSpec(f"gguf:{path}", kv_cache="f32") for path in paths]


@pytest.fixture(scope="module")
def folders(
    models: list[PreTrainedModel], tmp_path_factory: pytest.TempPathFactory
) -> list[CheckpointSpec]:
    folder = tmp_path_factory.mktemp("folders")
    return [
        tiny.spec(tiny.save(model, folder / str(number))) for number, model in enumerate(models)
    ]


def recipe_of(base: CheckpointSpec, expert: CheckpointSpec, antiexpert: CheckpointSpec) -> Recipe:
    return Recipe("r", base, (ExpertPair("A", expert, antiexpert, ALPHA),))


def load(recipe: Recipe, proof: ProofMode = ProofMode.OFF) -> LoadedRecipe:
    opened = open_recipe(recipe)
    return load_recipe(opened, compare_vocabularies(opened).masked_ids, proof=proof)


def expected(models: list[PreTrainedModel]) -> torch.Tensor:
    """The tuned logits after the prompt, by plain forward passes without a cache."""
    with torch.inference_mode():
        base, expert, antiexpert = (
            model(torch.tensor([PROMPT])).logits[0, -1].double() for model in models
        )
    return base + ALPHA * (expert - antiexpert)


@pytest.mark.parametrize("place", [None, 0, 1, 2])
def test_engines_mix_in_one_recipe(
    models: list[PreTrainedModel],
    files: list[CheckpointSpec],
    folders: list[CheckpointSpec],
    place: int | None,
) -> None:
    """All roles by llama.cpp, or one of them."""
    chosen = [files[at] if place in (None, at) else folders[at] for at in range(len(models))]
    loaded = load(recipe_of(*chosen))
    engines = [role.engine for role in loaded.roles]
    assert engines == ["llama.cpp" if spec in files else "transformers" for spec in chosen]
    with torch.inference_mode():
        rows = loaded.ensemble.prefill([PROMPT] * 3)
    tuned = rows.combined(0, [ALPHA])
    usable = torch.isfinite(tuned)
    wanted = expected(models)[usable].log_softmax(-1)
    torch.testing.assert_close(tuned[usable].double().log_softmax(-1), wanted, atol=1e-3, rtol=0)


def test_layers_on_a_gpu_keep_roles_apart_on_a_gpu_alone(files: list[CheckpointSpec]) -> None:
    base = files[0]
    opened = open_recipe(recipe_of(base, replace(base, gpu_layers=1), base))
    shared = {weights_keys(role, "cpu") for role in opened.roles}
    assert len(shared) == 1
    apart = {weights_keys(role, "vulkan:0") for role in opened.roles}
    assert len(apart) == 2


@pytest.mark.slow
def test_roles_go_to_a_gpu(models: list[PreTrainedModel], files: list[CheckpointSpec]) -> None:
    """All layers of one role, some of another, none of the third; near in half precision."""
    if not (gpus := llama_gpus()):
        pytest.skip(
            "llama.cpp sees no graphics processor; make vulkan-check brings one in software"
        )
    name = gpus[0].in_recipes
    base, expert, antiexpert = (replace(spec, device=name) for spec in files)
    chosen = base, replace(expert, gpu_layers=1), replace(antiexpert, device="cpu")
    loaded = load(recipe_of(*chosen))
    assert [role.device for role in loaded.roles] == [name, name, "cpu"]
    layers = models[0].config.num_hidden_layers + 1  # the output layer is one of them
    assert [role.gpu_layers for role in loaded.roles] == [layers, 1, 0]
    with torch.inference_mode():
        tuned = loaded.ensemble.prefill([PROMPT] * 3).combined(0, [ALPHA])
    usable = torch.isfinite(tuned)
    wanted = expected(models)[usable]
    apart = (tuned[usable].double() - wanted).abs().max() / wanted.abs().max()
    assert float(apart) <= 2e-2


def test_roles_share_weights_and_what_is_the_same_in_the_next_recipe(
    files: list[CheckpointSpec],
) -> None:
    base, expert, _ = files
    loaded = load(recipe_of(base, expert, replace(base, prompt="A {prompt}")))
    assert [role.shared for role in loaded.roles] == [False, False, True]
    assert len(loaded.weights) == 2
    assert len(loaded.ensemble.models) == 3  # a prompt of its own
    opened = open_recipe(recipe_of(base, base, base))
    held = still_needed(loaded, opened)
    assert len(held) == 1
    again = load_recipe(opened, (), held=held, proof=ProofMode.OFF)
    assert next(iter(again.weights.values())) is next(iter(held.values()))


def test_a_kv_cache_of_another_type_is_another_context(files: list[CheckpointSpec]) -> None:
    base = files[0]
    loaded = load(recipe_of(base, replace(base, kv_cache="f16"), base))
    assert len(loaded.weights) == 1
    assert len(loaded.ensemble.models) == 2
    assert [role.kv_cache for role in loaded.roles] == ["f32", "f16", "f32"]


def test_another_engine_is_another_set_of_weights(files: list[CheckpointSpec]) -> None:
    base = files[0]
    loaded = load(recipe_of(base, replace(base, engine="transformers"), base))
    assert [role.engine for role in loaded.roles] == ["llama.cpp", "transformers", "llama.cpp"]
    assert len(loaded.weights) == 2


def test_a_quantized_file_stays_quantized(
    models: list[PreTrainedModel],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kind = gguf.GGMLQuantizationType.Q8_0
    path = tiny_gguf.write(models[0], tmp_path / "q.gguf", kind)
    spec = CheckpointSpec(f"gguf:{path}")
    loaded = load(recipe_of(spec, spec, spec))
    role = loaded.roles[0]
    assert (role.dtype, role.quantization, role.parameters) == (
        "float32",
        "Q8_0",
        models[0].num_parameters(),
    )
    assert loaded.held_bytes()["cpu"] < path.stat().st_size
    assert [folder.name[-8:] for folder in tmp_path.glob("cache/*/gguf/*")] == ["metadata"]


def test_layers_that_stay_in_main_memory_are_counted_there(files: list[CheckpointSpec]) -> None:
    (weights, *_) = load(recipe_of(*files)).weights.values()
    assert isinstance(weights, LlamaWeights)
    size = weights.held.size
    assert [part[1:] for part in weights.parts()] == [("cpu", size)]
    weights.held.device = "vulkan:0"
    split = replace(weights, on_host=100)
    assert [part[1:] for part in split.parts()] == [("vulkan:0", size - 100), ("cpu", 100)]
    assert len({part.identity for part in split.parts()}) == 2


def test_an_expert_is_an_adapter_over_the_weights_of_the_base(
    models: list[PreTrainedModel],
    files: list[CheckpointSpec],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base = files[0]
    merged = [models[0]]
    adapters = []
    for seed in (1, 2):  # two files of equal size in one folder
        path = tmp_path / f"{seed}.gguf"
        changes = tiny_gguf.write_adapter(path, models[0], seed)
        tuned = deepcopy(models[0])
        with torch.no_grad():
            for layer, change in zip(tuned.model.layers, changes, strict=True):
                layer.self_attn.o_proj.weight += torch.from_numpy(change)
        merged.append(tuned)
        adapters.append(replace(base, source=f"adapter:{path}", over=base.source))
    recipe = recipe_of(base, *adapters)
    loaded = load(recipe, ProofMode.FRESH)
    assert [role.engine for role in loaded.roles] == ["llama.cpp"] * 3
    assert [role.shared for role in loaded.roles] == [False, True, True]
    assert [role.over for role in loaded.roles] == ["", base.source, base.source]
    assert len({role.fingerprint for role in loaded.roles}) == 3
    assert loaded.held_bytes() == load(recipe_of(base, base, base)).held_bytes()
    with torch.inference_mode():
        tuned_row = loaded.ensemble.prefill([PROMPT] * 3).combined(0, [ALPHA])
    usable = torch.isfinite(tuned_row)
    wanted = expected(merged)[usable].log_softmax(-1)
    torch.testing.assert_close(
        tuned_row[usable].double().log_softmax(-1), wanted, atol=1e-3, rtol=0
    )
    opened = open_recipe(recipe)
    held = still_needed(loaded, opened)
    assert len(held) == 3
    again = load_recipe(opened, (), held=held, proof=ProofMode.OFF)
    assert all(again.weights[key] is weights for key, weights in held.items())


def test_the_tokens_that_end_a_text_are_those_of_the_file(files: list[CheckpointSpec]) -> None:
    by_llama = load(recipe_of(*files))
    by_torch = load(recipe_of(*(replace(spec, engine="transformers") for spec in files)))
    assert by_llama.eos_ids == by_torch.eos_ids != frozenset()


def test_a_load_can_be_cancelled_and_leaves_nothing(files: list[CheckpointSpec]) -> None:
    opened = open_recipe(recipe_of(*files))
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1

    with pytest.raises(Cancelled):
        load_recipe(opened, (), cancelled=cancelled)
    assert asked == 2


def test_weights_go_with_the_recipe(files: list[CheckpointSpec]) -> None:
    loaded = load(recipe_of(*files))
    held = [
        weakref.ref(weights.held)
        for weights in loaded.weights.values()
        if isinstance(weights, LlamaWeights)
    ]
    with torch.inference_mode():
        loaded.ensemble.prefill([PROMPT] * 3)
    del loaded
    gc.collect()
    assert [weights() for weights in held] == [None] * 3


def test_a_loaded_model_is_proved(files: list[CheckpointSpec], cache: Path) -> None:
    loaded = load(recipe_of(*files), ProofMode.KEPT)
    proofs = [role.proof for role in loaded.roles]
    assert all(proof is not None and not proof.not_proved for proof in proofs)
    (proof, *_) = proofs
    assert proof is not None
    compared = [found.reading for found in proof.compared]
    assert compared == [
        Reading.UNCACHED,
        Reading.TOKENS,
        Reading.CHUNKS,
        Reading.REWOUND,
        Reading.BLOCKS,
        Reading.BATCH,
    ]
    assert proof.given_up == ()
    assert proof.largest < 1e-3
    assert proof.blocks is not None
    assert proof.blocks.largest < 1e-3
    stored = len(list(cache.rglob("proofs/*.json")))
    load(recipe_of(*files), ProofMode.KEPT)
    assert len(list(cache.rglob("proofs/*.json"))) == stored == 3
    off = load(recipe_of(*files))
    assert [role.proof.not_proved for role in off.roles if role.proof] == ["switched off"] * 3


def test_the_difference_between_engines_is_measured_where_a_recipe_mixes_them(
    models: list[PreTrainedModel],
    files: list[CheckpointSpec],
    folders: list[CheckpointSpec],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tiny_gguf.write(models[0], tmp_path / "q.gguf", gguf.GGMLQuantizationType.Q4_0)
    quantized = CheckpointSpec(f"gguf:{path}", kv_cache="f32")
    alike = load(recipe_of(quantized, *files[1:]), ProofMode.KEPT)
    assert [role.proof.engines for role in alike.roles if role.proof] == [None] * 3
    mixed = recipe_of(quantized, files[1], folders[2])
    (opened, *_) = open_recipe(mixed).roles
    (base, expert, antiexpert) = (role.proof for role in load(mixed, ProofMode.KEPT).roles)
    assert base is not None
    assert expert is not None
    assert antiexpert is not None
    assert base.engines is not None
    assert expert.engines is not None
    assert antiexpert.engines is None
    assert expert.engines.divergence < 1e-9
    ids = opened.tokenizer.encode(TEXT)[: models[0].config.max_position_embeddings]
    by_transformers = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    )
    reference = tiny_gguf.logprobs(by_transformers, ids).double()
    reader = load(recipe_of(quantized, *files[1:])).ensemble.models[0]
    rows = reader.extend(torch.tensor(ids), len(ids)).double().log_softmax(-1)
    wanted = (reference.exp() * (reference - rows)).sum(-1)[1:].mean()
    assert base.engines.divergence == pytest.approx(float(wanted), rel=1e-3)
    assert base.engines.divergence > 0
    again = load(mixed, ProofMode.KEPT).roles[0].proof
    assert again == base
    assert "Beside transformers on the dequantized weights: KL" in about_engines(base)


@pytest.mark.parametrize(
    "given_up",
    [{Shortcut.BLOCKS}, {Shortcut.REWINDING}, {Shortcut.PADDING}, {Shortcut.CACHE}],
    ids=str,
)
def test_without_a_shortcut_rows_are_the_same(
    files: list[CheckpointSpec], given_up: set[Shortcut]
) -> None:
    (model, *_) = load(recipe_of(*files)).ensemble.models
    assert isinstance(model, LlamaCppLanguageModel)
    plain = plainer(model, given_up)
    text = torch.tensor([*PROMPT, *PROMPT])
    reference = model.another().extend(text, len(text))
    got = [plain.extend(part, len(part)) for part in text.split((5, 1, 4, 4))]
    torch.testing.assert_close(torch.cat(got), reference, atol=1e-3, rtol=0)
    assert plain.can_rewind is (Shortcut.REWINDING not in given_up)
    if plain.can_rewind:
        plain.rewind(6)
        torch.testing.assert_close(plain.extend(text[6:], 8), reference[6:], atol=1e-3, rtol=0)
    batch = plain.batch()
    rows = batch.prefill([text.tolist(), PROMPT], lambda: False)
    torch.testing.assert_close(rows, reference[[-1, len(PROMPT) - 1]], atol=1e-3, rtol=0)


@pytest.mark.parametrize("given_up", [set(), {Shortcut.REWINDING}, {Shortcut.CACHE}], ids=str)
def test_without_a_shortcut_texts_are_kept_and_released(
    files: list[CheckpointSpec], models: list[PreTrainedModel], given_up: set[Shortcut]
) -> None:
    """Prompts that are long enough for a copy of their KV cache."""
    (model, *_) = load(recipe_of(*files)).ensemble.models
    assert isinstance(model, LlamaCppLanguageModel)
    plain = plainer(model, {*given_up, Shortcut.REWINDING} if given_up else given_up)
    ensemble = Ensemble([plain], ["base"], ())
    ensemble.prefixes.limit = 2**24
    text = (torch.arange(400) * 7 % plain.vocabulary_size).tolist()
    for prompt in (text[:300], [*text[:290], *text[10:60]], text[:310], text[5:300]):
        with torch.inference_mode():
            row = ensemble.resume([prompt], ()).rows[0]
            wanted = models[0](torch.tensor([prompt])).logits[0, -1:]
        torch.testing.assert_close(row, wanted, atol=1e-3, rtol=0)
    plain.release()
    reference = model.another().extend(torch.tensor(PROMPT))
    torch.testing.assert_close(plain.extend(torch.tensor(PROMPT)), reference, atol=1e-3, rtol=0)
