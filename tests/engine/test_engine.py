"""The engine without its thread: what each command is answered with, and in which order."""

from __future__ import annotations

import gc
import logging
import shutil
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.attribution.attribution import attribute
from app.checkpoints import opening
from app.checkpoints.conversation import Prompt
from app.checkpoints.formats import gguf
from app.checkpoints.memory import estimate as memory
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import FinishReason, GenerationConfig
from app.engine import engine as engine_module
from app.engine import run_clock
from app.engine.commands import Check, Command, Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import (
    Checked,
    EngineReady,
    Event,
    Failed,
    Loaded,
    Loading,
    RunFinished,
    RunStarted,
    TokenDecoded,
)
from app.errors import (
    CheckpointError,
    DeviceError,
    ModelError,
    PromptError,
    RecipeError,
    SettingsError,
)
from tests import tiny, tiny_gguf

PROMPT = "the king said"
GREEDY = GenerationConfig(max_new_tokens=8, temperature=0.0)
SAMPLED = GenerationConfig(max_new_tokens=12, temperature=1.0, top_p=0.9, seed=5)


@dataclass
class Desk:
    """An engine with its events, and hooks to act in the middle of a run."""

    events: list[Event] = field(default_factory=list)
    on_event: Callable[[Event], None] = lambda event: None

    def __post_init__(self) -> None:
        self.engine = Engine(self._receive)

    def _receive(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def load(self, recipe: Recipe, cancellation: Cancellation | None = None) -> list[Event]:
        return self.handle(Load(1, recipe, cancellation or Cancellation()))

    def generate(
        self,
        config: GenerationConfig = GREEDY,
        prompt: Prompt = PROMPT,
        alphas: LiveAlphas | None = None,
        cancellation: Cancellation | None = None,
        **prefix: Any,
    ) -> list[Event]:
        return self.handle(
            Generate(
                2,
                prompt,
                config,
                alphas or LiveAlphas((1.0,)),
                cancellation or Cancellation(),
                **prefix,
            )
        )

    def handle(self, command: Command) -> list[Event]:
        self.events.clear()
        self.engine.handle(command)
        assert all(event.id == command.id for event in self.events)
        return list(self.events)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def loaded(desk: Desk, tiny_recipe: Recipe) -> Desk:
    assert isinstance(desk.load(tiny_recipe)[-1], Loaded)
    return desk


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def tokens(events: list[Event]) -> list[int]:
    return [event.step.token_id for event in events if isinstance(event, TokenDecoded)]


def assert_failed(events: list[Event], kind: type[Exception]) -> Exception:
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, kind)
    assert failed.details == ""
    return failed.error


def test_the_engine_says_what_it_runs_on(desk: Desk) -> None:
    desk.engine.announce()
    (ready,) = desk.events
    assert isinstance(ready, EngineReady)
    assert ready.devices[-1] == "cpu"
    assert ready.torch_version == torch.__version__


@pytest.mark.slow
def test_a_load_ends_with_what_is_in_memory(desk: Desk, tiny_recipe: Recipe) -> None:
    events = desk.load(tiny_recipe)
    assert kinds(events)[0] is Checked
    assert set(kinds(events[1:-1])) == {Loading}
    done = events[-1]
    assert isinstance(done, Loaded)
    assert done.recipe == tiny_recipe
    assert [role.role for role in done.roles] == [name for name, _ in tiny_recipe.roles()]
    assert len(done.token_labels) == tiny.VOCABULARY
    assert done.packed_bytes >= 0


def test_a_run_starts_streams_and_finishes(loaded: Desk) -> None:
    events = loaded.generate()
    assert kinds(events) == [RunStarted] + [TokenDecoded] * 8 + [RunFinished]
    started, *steps, finished = events
    assert isinstance(started, RunStarted)
    assert isinstance(finished, RunFinished)
    assert started.prompt_tokens == (len(tiny.make_tokenizer().encode(PROMPT).ids),) * 3
    assert finished.finish_reason == FinishReason.LENGTH
    assert finished.stats.tokens == 8
    assert finished.stats.resident_bytes > 0
    for index, event in enumerate(steps):
        assert isinstance(event, TokenDecoded)
        assert event.step.index == index
        assert event.step.combined is None  # which would take as much memory as the rows
        assert event.attribution == attribute(
            event.step.logits, event.step.alphas, event.step.token_id
        )


def test_steps_whose_rows_are_not_kept_have_the_same_attribution(loaded: Desk) -> None:
    events = loaded.generate(SAMPLED, speculate=False, fresh=True)
    kept = [event for event in events if isinstance(event, TokenDecoded)]
    events = loaded.generate(SAMPLED, speculate=False, fresh=True, keep_rows=False)
    bare = [event for event in events if isinstance(event, TokenDecoded)]
    assert all(event.step.logits is None and event.step.reduced is None for event in bare)
    for expected, event in zip(kept, bare, strict=True):
        assert event.attribution == expected.attribution
        assert event.step.token_id == expected.step.token_id


@pytest.mark.slow
def test_prompt_lengths_are_told_for_each_role(desk: Desk, llama: tiny.Family) -> None:
    asking = tiny.spec(llama.expert, prompt="Q: {prompt}")
    anti = tiny.spec(llama.antiexpert)
    pairs = (ExpertPair("A", asking, anti), ExpertPair("B", tiny.spec(llama.base), anti))
    desk.load(replace(llama.recipe(), pairs=pairs))
    started = desk.generate(alphas=LiveAlphas((1.0, 0.5)))[0]
    assert isinstance(started, RunStarted)
    plain, asked = (
        len(tiny.make_tokenizer().encode(text).ids) for text in (PROMPT, f"Q: {PROMPT}")
    )
    assert started.prompt_tokens == (plain, asked, plain, plain, plain)


@pytest.mark.slow
def test_the_same_seed_recipe_and_settings_give_the_same_tokens(tiny_recipe: Recipe) -> None:
    runs = []
    for _ in range(2):
        desk = Desk()
        desk.load(tiny_recipe)
        runs += [tokens(desk.generate(SAMPLED)), tokens(desk.generate(SAMPLED))]
    assert runs == [runs[0]] * 4
    assert tokens(desk.generate(replace(SAMPLED, seed=6))) != runs[0]


def test_a_change_of_alpha_acts_on_the_next_token(loaded: Desk) -> None:
    alphas = LiveAlphas((1.0,))

    def turn(event: Event) -> None:
        if isinstance(event, TokenDecoded) and event.step.index == 2:
            alphas.set((3.5,))

    loaded.on_event = turn
    steps = [e.step for e in loaded.generate(alphas=alphas) if isinstance(e, TokenDecoded)]
    assert [step.alphas for step in steps] == [(1.0,)] * 3 + [(3.5,)] * 5


def test_alphas_are_checked_before_a_run(loaded: Desk) -> None:
    assert "one alpha for each" in str(
        assert_failed(loaded.generate(alphas=LiveAlphas((1.0, 2.0))), SettingsError)
    )
    assert_failed(loaded.generate(alphas=LiveAlphas((float("nan"),))), SettingsError)
    assert kinds(loaded.generate())[-1] is RunFinished


def test_cancel_ends_a_run_within_one_token(loaded: Desk) -> None:
    cancellation = Cancellation()

    def press(event: Event) -> None:
        if isinstance(event, TokenDecoded) and event.step.index == 3:
            cancellation.request()

    loaded.on_event = press
    events = loaded.generate(cancellation=cancellation)
    assert tokens(events) == tokens(Desk.generate(loaded))[:4]
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert finished.finish_reason == FinishReason.CANCELLED
    assert finished.stats.tokens == 4


def test_cancel_before_the_first_token(loaded: Desk) -> None:
    cancellation = Cancellation()
    cancellation.request()
    events = loaded.generate(cancellation=cancellation)
    assert kinds(events) == [RunStarted, RunFinished]
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert finished.finish_reason == FinishReason.CANCELLED
    assert (finished.stats.tokens, finished.stats.tokens_per_second) == (0, None)


def test_a_cancelled_check_leaves_the_old_models_but_not_for_its_own_runs(
    loaded: Desk, tiny_recipe: Recipe
) -> None:
    first = tokens(loaded.generate())
    cancellation = Cancellation()
    loaded.on_event = lambda event: cancellation.request()
    failed = loaded.handle(Load(7, tiny_recipe, cancellation))[-1]
    assert isinstance(failed, Failed)
    assert (failed.error, failed.loaded) == (None, 1)
    loaded.on_event = lambda event: None
    assert "No recipe is loaded" in str(assert_failed(loaded.generate(load=7), RecipeError))
    assert tokens(loaded.generate(load=1)) == tokens(loaded.generate()) == first


def test_a_load_that_is_cancelled_while_it_reads_leaves_nothing_loaded(
    loaded: Desk, tiny_recipe: Recipe
) -> None:
    cancellation = Cancellation()
    loaded.on_event = lambda event: isinstance(event, Loading) and cancellation.request()
    failed = loaded.handle(Load(7, tiny_recipe, cancellation, fresh=True))[-1]
    assert isinstance(failed, Failed)
    assert (failed.error, failed.loaded) == (None, None)
    assert "No recipe is loaded" in str(assert_failed(loaded.generate(), RecipeError))


def test_a_run_needs_a_recipe(desk: Desk) -> None:
    assert "No recipe is loaded" in str(assert_failed(desk.generate(), RecipeError))


@pytest.mark.slow
def test_a_refused_load_keeps_the_old_models_for_their_own_runs_and_for_going_back(
    loaded: Desk, tiny_recipe: Recipe, tmp_path: Path
) -> None:
    missing = replace(tiny_recipe, base=tiny.spec(tmp_path / "nowhere"))
    first = tokens(loaded.generate())
    refused = loaded.handle(Load(7, missing, Cancellation()))
    assert "There is no folder" in str(assert_failed(refused, CheckpointError))
    assert refused[-1].loaded == 1
    assert "No recipe is loaded" in str(assert_failed(loaded.generate(load=7), RecipeError))
    assert tokens(loaded.generate(load=1)) == first
    louder = tiny_recipe.with_alphas((2.0,))
    events = loaded.load(louder)
    assert kinds(events) == [Checked, Loaded]  # no weights are read again
    assert events[-1].recipe == louder
    assert kinds(loaded.generate())[-1] is RunFinished


@pytest.mark.slow
def test_weights_that_both_recipes_name_are_not_read_again(
    loaded: Desk, tiny_recipe: Recipe
) -> None:
    other = replace(tiny_recipe, base=replace(tiny_recipe.base, dtype="bfloat16"))
    read = {e.progress.role for e in loaded.load(other) if isinstance(e, Loading)}
    assert read == {"base"}
    shouted = other.with_role(1, replace(other.checkpoints()[1], prompt="{prompt}!"))
    assert kinds(loaded.load(shouted)) == [Checked, Loaded]
    started = loaded.generate()[0]
    assert isinstance(started, RunStarted)
    base, expert, antiexpert = started.prompt_tokens
    assert expert == base + 1 == antiexpert + 1


@pytest.mark.slow
def test_a_checkpoint_that_changed_in_its_folder_is_read_again(
    desk: Desk, tiny_recipe: Recipe, llama: tiny.Family, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(llama.base, tmp_path / "base"))
    recipe = replace(tiny_recipe, base=tiny.spec(folder))
    desk.load(recipe)
    weights = load_file(folder / "model.safetensors")
    shouting = {name: tensor * 2 for name, tensor in weights.items()}
    save_file(shouting, folder / "other", metadata={"format": "pt"})
    (folder / "other").replace(folder / "model.safetensors")
    read = {e.progress.role for e in desk.load(recipe) if isinstance(e, Loading)}
    assert read == {"base"}


def test_a_run_that_waited_for_a_load_that_was_given_up_says_nothing(
    desk: Desk, tiny_recipe: Recipe
) -> None:
    cancellation = Cancellation()
    cancellation.request()
    desk.load(tiny_recipe, cancellation)
    (ended,) = desk.generate(cancellation=cancellation)
    assert isinstance(ended, Failed)
    assert ended.error is None


@pytest.mark.slow
def test_models_are_read_again_when_asked(loaded: Desk, tiny_recipe: Recipe) -> None:
    loaded.events.clear()
    loaded.engine.handle(Load(1, tiny_recipe, Cancellation(), fresh=True))
    assert Loading in kinds(loaded.events)


@pytest.mark.slow
def test_a_recipe_that_does_not_fit_is_refused_unless_it_is_insisted_on(
    loaded: Desk, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    other = replace(tiny_recipe, base=replace(tiny_recipe.base, prompt="{prompt}!"))
    said = str(assert_failed(loaded.load(other), DeviceError))
    assert "does not fit into the memory of cpu" in said
    assert "free 0.0 GB" in said
    loaded.engine.handle(Load(1, other, Cancellation(), although_full=True))
    assert isinstance(loaded.events[-1], Loaded)


@pytest.mark.slow
def test_a_file_that_is_too_large_is_refused_before_it_is_converted(
    loaded: Desk, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tiny_gguf.write(tiny.make_model("llama", 7), tmp_path / "tiny.gguf")
    recipe = tiny_recipe.with_role(0, CheckpointSpec(f"gguf:{path}", engine="transformers"))
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    assert "does not fit" in str(assert_failed(loaded.load(recipe), DeviceError))
    assert gguf.metadata_folder(path).is_dir()
    assert not gguf.weights_folder(path).exists()
    assert loaded.engine._loaded is not None

    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(engine_module, "free_bytes", lambda device: 1000)
    held: list[object] = []
    monkeypatch.setattr(
        opening, "convert", lambda *_, **options: held.append(loaded.engine._loaded)
    )
    loaded.load(recipe)
    assert [bool(models) for models in held] == [True, False]  # room is made for the weights


def test_a_check_tells_prompts_and_leaves_what_is_loaded(loaded: Desk, tiny_recipe: Recipe) -> None:
    loaded.events.clear()
    loaded.engine.handle(Check(3, tiny_recipe, "the king", Cancellation()))
    (checked,) = loaded.events
    assert isinstance(checked, Checked)
    assert {prompt.text for prompt in checked.preflight.prompts} == {"the king"}
    assert kinds(loaded.generate())[-1] is RunFinished


@pytest.mark.slow
def test_a_load_gives_the_old_models_back_first(loaded: Desk, tiny_recipe: Recipe) -> None:
    assert loaded.engine._loaded is not None
    old = weakref.ref(loaded.engine._loaded.ensemble.models[0].model)
    alive: list[bool] = []
    loaded.on_event = lambda event: alive.append(old() is not None)
    loaded.load(replace(tiny_recipe, base=replace(tiny_recipe.base, dtype="bfloat16")))
    assert alive[0]  # while it is being checked
    assert not any(alive[1:])
    assert alive[1:]
    loaded.engine.unload()
    gc.collect()
    assert loaded.engine._loaded is None


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("", "The prompt is empty"),
        ("a king " * tiny.CONTEXT, "longer than the context of the base"),
    ],
)
def test_a_prompt_that_cannot_be_used(loaded: Desk, prompt: str, said: str) -> None:
    assert said in str(assert_failed(loaded.generate(prompt=prompt), PromptError))
    assert kinds(loaded.generate())[-1] is RunFinished


@pytest.mark.slow
def test_weights_that_are_not_numbers_name_the_role(
    desk: Desk, llama: tiny.Family, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(llama.expert, tmp_path / "expert"))
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][3] = float("nan")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    pair = ExpertPair("Style", tiny.spec(folder), tiny.spec(llama.antiexpert))
    recipe = replace(llama.recipe(), pairs=(pair,))
    told = "The expert “Style” computed logits that are not numbers"
    assert told in str(assert_failed(desk.load(recipe), ModelError))
    desk.handle(Load(1, recipe, Cancellation(), proof=ProofMode.OFF))
    assert told in str(assert_failed(desk.generate(), ModelError))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_memory_that_runs_out_is_a_device_error(
    loaded: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(engine_module, "decode", full)
    assert "The memory of cpu was not enough" in str(assert_failed(loaded.generate(), DeviceError))
    assert loaded.events[-1].loaded == 1


class PanicError(BaseException):
    """As a library in Rust raises."""


@pytest.mark.parametrize("kind", [ZeroDivisionError, PanicError])
def test_a_defect_is_told_with_its_traceback(
    loaded: Desk,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type[BaseException],
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise kind("a defect")

    monkeypatch.setattr(engine_module, "attribute_step", broken)
    with caplog.at_level(logging.ERROR):
        failed = loaded.generate()[-1]
    assert isinstance(failed, Failed)
    assert "does not know" in str(failed.error)
    assert f"{kind.__name__}: a defect" in str(failed.error)
    assert "Traceback" in failed.details
    assert failed.loaded == 1
    assert caplog.records
    monkeypatch.undo()
    assert kinds(loaded.generate())[-1] is RunFinished


def test_the_rate_is_of_decoding_alone(loaded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefill takes 1 s by this clock, and every token after it 0.5 s."""
    times = iter([10.0, *(11.0 + 0.5 * token for token in range(8))])
    clock = SimpleNamespace(perf_counter=lambda: next(times))
    monkeypatch.setattr(run_clock, "time", clock)
    finished = loaded.generate()[-1]
    assert isinstance(finished, RunFinished)
    assert finished.stats.prefill_seconds == pytest.approx(1.0)
    assert finished.stats.tokens_per_second == pytest.approx(2.0)


def test_no_gradients_are_kept(loaded: Desk) -> None:
    seen: list[bool] = []
    loaded.on_event = lambda event: seen.append(torch.is_inference_mode_enabled())
    loaded.generate()
    assert all(seen)


@pytest.mark.slow
def test_drafts_change_no_token_and_are_told_at_the_end(loaded: Desk) -> None:
    config = replace(SAMPLED, max_new_tokens=60)
    texts = []
    for speculate in (False, True):
        events = loaded.generate(config, speculate=speculate)
        texts.append(tokens(events))
        finished = events[-1]
        assert isinstance(finished, RunFinished)
    assert texts[0] == texts[1]
    drafts = finished.stats.speculation
    assert drafts is not None
    assert 1 + drafts.plain + drafts.total.blocks + drafts.total.accepted >= 60
    finished = loaded.generate(speculate=False)[-1]
    assert isinstance(finished, RunFinished)
    assert finished.stats.speculation is None


@pytest.mark.slow
def test_what_is_learnt_of_drafts_is_kept_while_the_models_are(
    loaded: Desk, tiny_recipe: Recipe
) -> None:
    """Only the first text has to find out what a plain step costs; a role alone has its own."""

    def plain_tokens(**options: Any) -> int:
        finished = loaded.generate(replace(GREEDY, max_new_tokens=3), **options)[-1]
        assert isinstance(finished, RunFinished)
        assert finished.stats.speculation is not None
        return finished.stats.speculation.plain

    assert plain_tokens() == 2
    loaded.generate(SAMPLED)
    assert plain_tokens(role=1, alphas=LiveAlphas(())) == 2
    learnt = loaded.engine._speculators[None]
    loaded.generate()
    assert loaded.engine._speculators[None] is learnt
    loaded.load(tiny_recipe)
    assert plain_tokens() == 2
