"""Trainings of a tiny model: what they write, and what becomes of interrupted ones."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from app.checkpoints.recipes.recipe_file import read_recipe
from app.errors import Cancelled, EvaluationError, TrainingError
from app.evaluation.loading import ModelLoader
from app.training.adapter import fitting_settings as fitting
from app.training.adapter.expert_training import _arguments
from app.training.adapter.fitting_settings import fitting_settings
from app.training.adapter.small_model import TrainedModel, open_small
from app.training.data.split import Split, split_documents
from app.training.messages.training_events import (
    HeldOutLoss,
    Judged,
    Judging,
    Paused,
    Request,
    Sample,
    Step,
    Trained,
    decode_event,
    encode_event,
)
from app.training.plan.training_plan import TrainingPlan
from app.training.plan.training_settings import TrainingSettings
from app.training.process.expert_run import run_training
from app.training.process.stored_trainings import stored_trainings
from app.training.process.training_folder import TrainingFolder
from tests import tiny
from tests.training.conftest import Recorder, started, texts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),  # in PEFT
]


def weights(folder: TrainingFolder) -> dict[str, torch.Tensor]:
    return load_file(folder.adapter / "adapter_model.safetensors")


def assert_best_as_kept(recorder: Recorder) -> None:
    """The last loss that is called the best is that of the weights that are kept."""
    measured = [event for event in recorder.events if isinstance(event, HeldOutLoss)]
    assert measured[0].step == 0
    assert not measured[0].best  # the Trainer keeps no weights of step 0
    (ended,) = recorder.of(Trained)
    assert isinstance(ended, Trained)
    last = [event for event in measured if event.best][-1]
    assert (last.step, last.loss) == (ended.step, ended.best_loss)


def test_the_loss_falls_and_every_step_is_reported(
    trained: tuple[TrainingFolder, Recorder],
) -> None:
    _, recorder = trained
    steps = recorder.of(Step)
    assert [event.step for event in steps] == list(range(1, steps[-1].steps + 1))
    losses = [event.loss for event in recorder.of(HeldOutLoss)]
    (ended,) = recorder.of(Trained)
    assert ended.first_loss == losses[0]
    assert ended.best_loss == min(losses[1:]) < losses[0] - 1
    assert_best_as_kept(recorder)
    assert len(recorder.of(Sample)) == len(losses)
    assert recorder.of(Judging)[-1].done == recorder.of(Judging)[-1].total
    assert recorder.events[-1] == recorder.of(Judged)[0]
    for event in recorder.events:
        assert decode_event(encode_event(event)) == event


def test_only_safetensors_are_left(trained: tuple[TrainingFolder, Recorder]) -> None:
    folder, _ = trained
    files = {path.name for path in folder.path.rglob("*") if path.is_file()}
    assert {"adapter_model.safetensors", "adapter_config.json", "README.md"} <= files
    assert not [name for name in files if name.endswith((".pt", ".pth", ".bin", ".pkl"))]
    card = (folder.adapter / "README.md").read_text()
    assert "letters" in card
    assert "learning_rate | 0.01" in card


def test_the_adapter_is_the_expert_of_a_recipe_that_loads(
    trained: tuple[TrainingFolder, Recorder], plan: TrainingPlan
) -> None:
    folder, recorder = trained
    recipe = read_recipe(folder.recipe)
    assert recipe.pairs[0].expert.source == f"adapter:{folder.adapter.resolve()}"
    assert recipe.pairs[0].antiexpert == plan.small
    assert recipe.alphas == (recorder.of(Judged)[0].verdict["alpha"],)
    loaded = ModelLoader().load(recipe)
    assert len(loaded.roles) == 3


def test_a_training_on_one_of_several_devices_stays_there(tmp_path: Path) -> None:
    """Where there is no such device, what the Trainer would use is known nevertheless."""
    trained = TrainedModel(None, None, "cuda:1", False)  # type: ignore[arg-type]
    arguments = _arguments(trained, TrainingSettings(), tmp_path, fresh=True)
    assert arguments.device == torch.device("cuda:1")
    arguments._n_gpu = 4  # as on a machine that has four
    assert (arguments.n_gpu, arguments.train_batch_size) == (1, TrainingSettings().batch_rows)


def test_a_training_that_was_abandoned_ends_as_one_that_was_not(
    trained: tuple[TrainingFolder, Recorder], plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = started(tmp_path / "run", plan, split)
    with pytest.raises(Cancelled):
        run_training(folder, Recorder({7: Request.ABANDON}))
    assert not folder.is_trained
    (folder.checkpoints / "checkpoint-99").mkdir()  # a kill left it incomplete
    recorder = Recorder()
    run_training(folder, recorder)
    assert recorder.of(Step)[0].step == 9
    uninterrupted = weights(trained[0])
    for name, tensor in weights(folder).items():
        assert torch.equal(tensor, uninterrupted[name]), name
    assert recorder.of(Judged)[0] == trained[1].of(Judged)[0]


def test_to_stop_keeps_the_best_and_judges_it(
    plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = started(tmp_path / "run", plan, split)
    recorder = Recorder({6: Request.STOP})
    run_training(folder, recorder)
    (ended,) = recorder.of(Trained)
    assert ended.stopped
    assert ended.steps == 7
    losses = {event.step: event.loss for event in recorder.of(HeldOutLoss) if event.step}
    assert ended.step == min(losses, key=losses.__getitem__)
    assert_best_as_kept(recorder)
    assert recorder.of(Judged)
    again = Recorder()
    run_training(folder, again)  # answers are stored: no model is loaded
    assert not again.of(Step)
    assert again.of(Judged) == recorder.of(Judged)


def test_a_pause_changes_nothing(
    trained: tuple[TrainingFolder, Recorder], plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = started(tmp_path / "run", plan, split)
    recorder = Recorder({3: Request.PAUSE})
    run_training(folder, recorder)
    assert recorder.of(Paused) == [Paused(4)]
    assert torch.equal(*(next(iter(weights(each).values())) for each in (folder, trained[0])))


def test_a_folder_keeps_its_training(plan: TrainingPlan, split: Split, tmp_path: Path) -> None:
    folder = started(tmp_path / "run", plan, split)
    assert folder.read() == (plan, split)
    started(tmp_path / "run", plan, split, batch_rows=2, recompute=True)  # less memory was free
    stored, _ = folder.read()
    assert (stored.settings.batch_rows, stored.settings.recompute) == (2, True)
    with pytest.raises(TrainingError, match="holds another training"):
        started(tmp_path / "run", plan, split, rank=4)
    with pytest.raises(TrainingError, match="holds another training"):
        started(tmp_path / "run", plan, split_documents(texts(50)))
    (folder.path / "training.json").write_text(json.dumps({"format": 1, "plan": {}}))
    with pytest.raises(TrainingError, match="damaged"):
        folder.read()


def test_a_training_that_goes_on_began_when_it_first_did(
    plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    file = started(tmp_path / "run", plan, split).path / "training.json"

    def began() -> float:
        (found,) = stored_trainings(tmp_path)
        return found.began

    written = json.loads(file.read_text())
    assert began() == written["began"]
    del written["began"]  # as older versions wrote it
    file.write_text(json.dumps(written, indent=1))
    os.utime(file, (2_000, 2_000))
    assert began() == 2_000
    started(tmp_path / "run", plan, split, batch_rows=2)
    os.utime(file, (3_000, 3_000))
    assert began() == 2_000


def test_two_processes_do_not_write_to_one_folder(
    plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = TrainingFolder(tmp_path)
    with folder.lock():
        with pytest.raises(EvaluationError, match=r"Another training .* --out"):
            folder.begin(plan, split)
        assert not (tmp_path / "training.json").exists()
    folder.begin(plan, split)


def test_weights_in_nf4_with_activations_computed_again(
    wide: Path, plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    small = tiny.spec(wide, quantization="nf4")
    quantized = replace(plan, small=small, base=small)
    folder = started(tmp_path / "run", quantized, split, epochs=1, recompute=True)
    recorder = Recorder()
    run_training(folder, recorder)
    (ended,) = recorder.of(Trained)
    assert ended.best_loss < ended.first_loss - 1
    assert recorder.of(Judged)


def test_what_no_longer_fits_into_memory_is_computed_in_smaller_parts(
    plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = open_small(plan.small)
    asked, needed = fitting_settings(role, plan.settings)
    assert asked == plan.settings
    for free, rows, recompute in ((needed.total - 1, 4, False), (0, 1, True)):
        monkeypatch.setattr(fitting, "free_bytes", lambda device, free=free: free)
        settings, memory = fitting_settings(role, plan.settings)
        assert (settings.batch_rows, settings.recompute) == (rows, recompute)
        assert memory.fits == (free > 0)
        assert settings.batch_size == plan.settings.batch_size
