"""What a recipe takes, against what its loaded models hold; and the changes that make it fit."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from app.attribution.row_store import DEFAULT_BYTES
from app.checkpoints.host_memory import mapped_weight_bytes
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.loading.role_configuration import full_configuration
from app.checkpoints.memory import demand
from app.checkpoints.memory import estimate as memory
from app.checkpoints.memory.estimate import does_not_fit, estimate_memory
from app.checkpoints.memory.memory_changes import RoleFacts, find_changes
from app.checkpoints.opening import OpenedRecipe, open_recipe
from app.checkpoints.preflight_report import DeviceMemory, MemoryEstimate, MemoryPart
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.step_sizes import USUAL_CONTEXT
from app.errors import CheckpointError
from app.settings import Settings
from tests import tiny
from tests.bench.memory import measure_apart
from tests.checkpoints.formats.test_adapters import train

GB = 10**9


def _parts(estimate: MemoryEstimate, kind: str, device: str = "cpu") -> list[MemoryPart]:
    found = next(each for each in estimate.devices if each.device == device)
    return [part for part in found.parts if part.kind == kind]


def _size(estimate: MemoryEstimate, kind: str) -> int:
    return sum(part.size for part in _parts(estimate, kind))


def _with_free(monkeypatch: pytest.MonkeyPatch, **free: int) -> None:
    """Pretend that devices have so much free, accelerators among them."""
    named = {name.replace("_", ":"): size for name, size in free.items()}
    monkeypatch.setattr(memory, "free_bytes", named.__getitem__)
    monkeypatch.setattr(memory, "total_bytes", named.__getitem__)
    monkeypatch.setattr(memory, "resolve_device", lambda name: _resolved(name, named))


def _resolved(name: str, devices: Mapping[str, int]) -> str:
    return next(iter(devices)) if name == "auto" else name


def _wide_recipe(wide: Path) -> Recipe:
    """One checkpoint in every role."""
    return Recipe("wide", tiny.spec(wide), (ExpertPair("Same", tiny.spec(wide), tiny.spec(wide)),))


@pytest.fixture
def recipe(llama: tiny.Family) -> Recipe:
    return replace(llama.recipe(), context=256)


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "int8", "nf4"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_weights_are_what_the_loaded_recipe_holds(
    wide: Path, llama: tiny.Family, dtype: str, quantization: str
) -> None:
    recipe = _wide_recipe(wide) if quantization == "nf4" else llama.recipe()
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, dtype=dtype, quantization=quantization))
    opened = open_recipe(replace(recipe, context=256))
    held = load_recipe(opened, ()).held_bytes()["cpu"]
    estimated = _size(estimate_memory(opened, {}), "weights")
    # A loaded model does not count the scales of quantised layers among its tensors.
    assert held <= estimated <= held * (1.0 if quantization == "none" else 1.15)


def test_roles_that_share_weights_are_counted_once_and_named_together(recipe: Recipe) -> None:
    alone = _parts(estimate_memory(open_recipe(recipe), {}), "weights")
    shared = recipe.with_role(2, recipe.base)
    together = _parts(estimate_memory(open_recipe(shared), {}), "weights")
    assert [part.label for part in alone] == ["base", "expert “Style”", "anti-expert “Style”"]
    assert [part.label for part in together] == ["base and anti-expert “Style”", "expert “Style”"]
    assert together[0].size == alone[0].size


@pytest.mark.parametrize(
    "other", [{"dtype": "bfloat16"}, {"quantization": "int8"}, {"offload": True}]
)
def test_other_settings_are_other_weights(recipe: Recipe, other: dict[str, object]) -> None:
    spec = replace(recipe.base, **other)  # type: ignore[arg-type]
    estimate = estimate_memory(open_recipe(recipe.with_role(2, spec)), {})
    assert len(_parts(estimate, "weights")) == 3


@pytest.mark.parametrize(
    ("free", "bound", "found"), [(10 * GB, GB, GB), (10 * GB, 0, 0), (GB, 4 * GB, None), (1, GB, 0)]
)
def test_earlier_texts_have_half_of_what_is_left_and_are_not_needed(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, free: int, bound: int, found: int | None
) -> None:
    _with_free(monkeypatch, cpu=free)
    opened = open_recipe(recipe)
    (without,) = estimate_memory(opened, {}).devices
    (device,) = estimate_memory(opened, {}, prefix_bytes=bound).devices
    assert device.earlier_texts == ((free - without.peak) // 2 if found is None else found)
    assert replace(device, earlier_texts=0) == without


def test_another_prompt_is_another_cache_over_the_same_weights(recipe: Recipe) -> None:
    base = recipe.base
    alone = replace(recipe, pairs=(ExpertPair("Same", base, base),))
    persona = replace(
        recipe, pairs=(ExpertPair("Persona", replace(base, prompt="Sing. {prompt}"), base),)
    )
    one, two = (estimate_memory(open_recipe(each), {}) for each in (alone, persona))
    assert _size(two, "weights") == _size(one, "weights")
    assert _size(two, "cache") == 2 * _size(one, "cache") > 0


def test_the_cache_follows_the_context(recipe: Recipe) -> None:
    short, long = (
        estimate_memory(open_recipe(replace(recipe, context=context)), {}) for context in (128, 512)
    )
    assert _size(long, "cache") == 4 * _size(short, "cache")
    assert (short.context, long.context) == (128, 512)


def test_without_a_context_the_shortest_model_decides(llama: tiny.Family) -> None:
    estimate = estimate_memory(open_recipe(llama.recipe()), {})
    assert estimate.context == tiny.CONTEXT < USUAL_CONTEXT


def test_rows_are_kept_up_to_the_bound_of_their_store(recipe: Recipe) -> None:
    def rows(context: int, **bound: int) -> int:
        estimate = estimate_memory(open_recipe(replace(recipe, context=context)), {}, **bound)
        return sum(part.size for part in _parts(estimate, "work") if "kept" in part.label)

    assert rows(256) == 256 * 3 * tiny.VOCABULARY * 4
    assert rows(10_000_000) == DEFAULT_BYTES
    assert rows(10_000_000, kept_rows=2**20) == 2**20
    assert rows(256, kept_rows=0) == 0


def test_reading_another_dtype_shows_in_a_monitor_but_need_not_be_free(llama: tiny.Family) -> None:
    def extra(dtype: str) -> int:
        recipe = llama.recipe()
        recipe = replace(recipe, context=1).with_role(2, replace(recipe.base, dtype=dtype))
        opened = open_recipe(recipe)
        device = estimate_memory(opened, {}).devices[0]
        assert device.peak == device.needed
        return device.resident_peak - device.peak

    files = open_recipe(llama.recipe()).roles[0].files.weight_bytes
    assert extra("float32") == 0
    assert 0 < extra("bfloat16") <= files


def test_what_is_about_to_be_unloaded_counts_as_free(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_free(monkeypatch, cpu=GB)
    monkeypatch.setattr(memory, "mapped_weight_bytes", lambda: 300)
    opened = open_recipe(recipe)
    assert estimate_memory(opened, {}).devices[0].free == GB
    # Pages of mapped files are counted as available already.
    assert estimate_memory(opened, {"cpu": 1000}).devices[0].free == GB + 700
    assert estimate_memory(opened, {"cpu": 200}).devices[0].free == GB


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # PEFT's
def test_an_adapter_costs_its_own_tensors(llama: tiny.Family, tmp_path: Path) -> None:
    tuned = train(llama.antiexpert, tmp_path / "adapter")
    opened = open_recipe(tuned.recipe(llama.base))
    estimate = estimate_memory(opened, {})
    own = load_file(tuned.folder / "adapter_model.safetensors").values()
    base, shared, adapter = _parts(estimate, "weights")
    assert (base.label, shared.label, adapter.label) == (
        "base",
        "expert “A” and anti-expert “A”",
        "expert “A”: adapter",
    )
    assert adapter.size == sum(tensor.nbytes for tensor in own)
    assert _size(estimate, "weights") == load_recipe(opened, ()).held_bytes()["cpu"]
    assert _size(estimate, "cache") % 3 == 0  # the adapted model reads for itself


def test_a_configuration_without_weights_is_enough(recipe: Recipe) -> None:
    opened = open_recipe(recipe)
    bare = [
        replace(role, files=replace(role.files, weights=(), tensors=())) for role in opened.roles
    ]
    full, known = (
        estimate_memory(opened, {}),
        estimate_memory(OpenedRecipe(recipe, tuple(bare)), {}),
    )
    assert [d.parts for d in known.devices] == [d.parts for d in full.devices]


def test_a_checkpoint_stored_in_int8_takes_what_its_file_does(recipe: Recipe) -> None:
    opened = open_recipe(recipe)
    roles = list(opened.roles)
    config = full_configuration(roles[0])
    config.quantization_config = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    roles[0] = replace(roles[0], config=config)
    estimate = estimate_memory(OpenedRecipe(recipe, tuple(roles)), {})
    assert _parts(estimate, "weights")[0].size == roles[0].files.weight_bytes


def test_a_model_that_cannot_be_built_is_named(recipe: Recipe) -> None:
    from transformers import T5Config

    opened = open_recipe(recipe)
    roles = (replace(opened.roles[0], config=T5Config()), *opened.roles[1:])
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        estimate_memory(OpenedRecipe(recipe, roles), {})


def test_on_an_accelerator_the_rows_stay_in_main_memory(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_free(monkeypatch, cuda_0=8 * GB, cpu=16 * GB)
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, device="cuda:0"))
    estimate = estimate_memory(open_recipe(recipe), {})
    assert [device.device for device in estimate.devices] == ["cuda:0", "cpu"]
    assert len(_parts(estimate, "weights", "cuda:0")) == 3
    assert not _parts(estimate, "weights")
    assert not _parts(estimate, "cache")
    assert any("kept" in part.label for part in _parts(estimate, "work"))
    assert estimate.fits


def test_captured_steps_hold_rows_on_their_device_and_in_pinned_memory(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_free(monkeypatch, cuda_0=8 * GB, cpu=16 * GB)

    def graphs(*, offload: bool = False) -> tuple[int, int]:
        on_cuda = recipe
        for place, spec in enumerate(recipe.checkpoints()):
            spec = replace(spec, device="cuda:0", offload=offload and place == 0)
            on_cuda = on_cuda.with_role(place, spec)
        estimate = estimate_memory(open_recipe(on_cuda), {})
        there, here = _parts(estimate, "work", "cuda:0"), _parts(estimate, "work")
        return tuple(
            sum(part.size for part in parts if "CUDA graphs" in part.label)
            for parts in (there, here)
        )

    positions = 1 + 2 + 3 + 5 + 9 + 17
    outputs = 3 * positions * tiny.VOCABULARY * 4
    device, pinned = graphs()
    assert pinned == outputs + 4 * positions * tiny.VOCABULARY * 4  # and rows of drafters
    assert device > pinned + 17 * tiny.VOCABULARY * 8  # the noise alone is float64
    assert graphs(offload=True) == (0, 0)


def test_an_offloaded_base_takes_what_is_left_and_the_rest_is_in_main_memory(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, device="cuda:0", offload=place == 0))
    opened = open_recipe(recipe)
    one = opened.roles[0].files.weight_bytes
    _with_free(monkeypatch, cuda_0=int(2.5 * one), cpu=GB)
    estimate = estimate_memory(opened, {})
    [there] = _parts(estimate, "weights")
    here = _parts(estimate, "weights", "cuda:0")[0]
    assert there.label == here.label == "base"
    assert here.size + there.size == pytest.approx(one, rel=0.01)
    assert here.size == pytest.approx(0.5 * 0.85 * one, rel=0.05)


def test_the_error_says_how_much_is_missing_and_what_would_help(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_recipe(replace(recipe, context=512))
    peak = estimate_memory(opened, {}).devices[0].peak
    _with_free(monkeypatch, cpu=peak - 1)
    estimate = estimate_memory(opened, {})
    assert not estimate.fits
    assert all(change.fits for change in estimate.changes)
    error = does_not_fit(estimate)
    assert "does not fit into the memory of cpu" in error.cause
    assert f"needed {peak / GB:.1f} GB, free {(peak - 1) / GB:.1f} GB" in error.evidence
    assert estimate.changes[0].label in error.next_step


def test_nothing_is_offered_where_it_fits(recipe: Recipe) -> None:
    estimate = estimate_memory(open_recipe(recipe), {})
    assert estimate.fits
    assert estimate.changes == ()


# Changes are searched on invented sizes, so that every case can be reached.

_FACTS = [RoleFacts("float32", quantizable=True, accelerated=True)] * 3


def _big_recipe(**settings: object) -> Recipe:
    def role(name: str) -> CheckpointSpec:
        return CheckpointSpec(f"folder:/{name}")

    pair = ExpertPair("Style", role("expert"), role("antiexpert"))
    return Recipe("big", role("base"), (pair,), **settings)  # type: ignore[arg-type]


def _invented(recipe: Recipe, free: int) -> MemoryEstimate:
    """A base of 80 and pair models of 10 each, and a token of context takes a hundredth."""
    size = 0.0
    for place, spec in enumerate(recipe.checkpoints()):
        weight = 80.0 if place == 0 else 10.0
        share = {"nf4": 0.15, "int8": 0.25}.get(spec.quantization)
        share = share or (0.5 if spec.dtype == "bfloat16" else 1.0)
        size += weight * share * (0.4 if spec.offload else 1.0)
    context = recipe.context or 4096
    peak = int(size + context / 100)
    return MemoryEstimate(context, (DeviceMemory("cuda:0", (), peak, free, 200),))


def _found(free: int, recipe: Recipe | None = None, facts: list[RoleFacts] | None = None):  # type: ignore[no-untyped-def]
    recipe = recipe or _big_recipe()
    estimate = _invented(recipe, free)
    assert not estimate.fits
    return find_changes(recipe, facts or _FACTS, estimate, lambda changed: _invented(changed, free))


def test_the_least_harmful_change_that_fits_is_first() -> None:
    changes = _found(130)
    assert [change.label for change in changes if change.fits] == [
        "Bfloat16 instead of float32",
        "NF4 for the pair Style",
        "A context of 2,048 tokens",
        "NF4 for the base",
        "Offload the part of the base that does not fit",
    ]
    assert changes[0].recipe.base.dtype == "bfloat16"
    assert changes[1].recipe.pairs[0].antiexpert.quantization == "nf4"
    assert changes[2].recipe.context == 2048
    assert changes[3].recipe.base.quantization == "nf4"
    assert changes[4].recipe.base.offload


def test_changes_that_do_not_suffice_are_last() -> None:
    changes = _found(100)
    fits = [change.fits for change in changes]
    assert fits == sorted(fits, reverse=True)
    assert any(fits)
    assert not all(fits)


def test_changes_are_combined_only_where_none_is_enough() -> None:
    changes = _found(30)
    fitting = [change for change in changes if change.fits]
    assert fitting
    assert all(", " in change.label for change in fitting)
    assert all(_invented(change.recipe, 30).fits for change in fitting)


def test_where_nothing_helps_enough_what_helps_is_still_said() -> None:
    changes = _found(5)
    assert changes
    assert not any(change.fits for change in changes)


def test_nothing_is_offered_that_is_in_force_or_impossible() -> None:
    recipe = _big_recipe(context=256)
    recipe = recipe.with_role(0, replace(recipe.base, quantization="nf4"))
    facts = [
        RoleFacts("bfloat16", quantizable=False, accelerated=False),
        *[RoleFacts("bfloat16", quantizable=False, accelerated=False)] * 2,
    ]
    assert _found(10, recipe, facts) == ()


@pytest.mark.slow
@given(free=st.integers(1, 140), context=st.sampled_from([0, 300, 4096, 100_000]))
def test_every_change_lowers_the_peak_and_tells_the_truth(free: int, context: int) -> None:
    recipe = _big_recipe(context=context)
    estimate = _invented(recipe, free)
    if estimate.fits:
        return
    for change in _found(free, recipe):
        found = _invented(change.recipe, free)
        assert change.peak == found.devices[0].peak < estimate.devices[0].peak
        assert change.fits == found.fits
        assert change.recipe.alphas == recipe.alphas


@pytest.mark.slow
@pytest.mark.timeout(600)  # a process that imports torch, on a machine that may be busy
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measured on Linux")
def test_the_estimate_is_near_to_what_a_process_takes(tmp_path: Path) -> None:
    found = measure_apart("small: 25M ×3, float32 from bfloat16", tmp_path)
    for kind, most in (("held", 0.15), ("resident", 0.3)):  # files may leave a full main memory
        assert found["estimate"][kind] == pytest.approx(found["measured"][kind], rel=most), found


@pytest.mark.slow
@pytest.mark.timeout(600)  # a process that imports torch, on a machine that may be busy
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measured on Linux")
def test_several_texts_take_about_what_is_estimated(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench.side_by_side_memory", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert 0.5 < found["estimated"] / found["measured"] < 1.5, found


def test_texts_at_once_are_those_that_fit_everywhere() -> None:
    def device(name: str, free: int, each: int) -> DeviceMemory:
        return DeviceMemory(name, (), peak=100, free=free, total=free, each_text=each)

    memory = MemoryEstimate(8, (device("cuda:0", 1000, 200), device("cpu", 400, 100)))
    assert memory.texts_at_once == 3
    assert (memory.beside(1), memory.beside(2)) == (0, 600)
    assert MemoryEstimate(8, (device("cpu", 50, 100),)).texts_at_once == 1


def test_the_bound_of_the_rows_is_that_of_their_store() -> None:
    assert demand.KEPT_ROWS == DEFAULT_BYTES == Settings().row_bytes


def test_torch_knows_the_dtypes_that_are_counted() -> None:
    from app.checkpoints.memory.footprint import BYTES

    assert {name: getattr(torch, name).itemsize for name in BYTES} == BYTES


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux")
@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_a_quantised_model_keeps_nothing_of_its_file(wide: Path, quantization: str) -> None:
    recipe = _wide_recipe(wide)
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, quantization=quantization))
    gc.collect()
    before = mapped_weight_bytes()
    loaded = load_recipe(open_recipe(recipe), ())
    assert loaded.held_bytes()["cpu"] > 0
    assert mapped_weight_bytes() <= before
