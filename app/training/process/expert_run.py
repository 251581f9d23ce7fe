"""What the process of a training does: train the adapter, write the recipe, judge the pair."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from app.checkpoints.memory.heap import release_memory
from app.checkpoints.memory.role_footprint import footprint_of
from app.checkpoints.opening import OpenedRole
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.errors import Cancelled, TrainingError
from app.evaluation.loading import ModelLoader
from app.evaluation.store import ResultFolder
from app.training.adapter.adapter_card import model_card
from app.training.adapter.example_encoding import Example, encode_documents
from app.training.adapter.expert_training import adapter_of, train
from app.training.adapter.fitting_settings import fitting_settings
from app.training.adapter.small_model import load_trained_model, open_small
from app.training.adapter.training_callback import TrainingCallback
from app.training.data.split import Split
from app.training.judging.gate import judge
from app.training.messages.training_channel import Channel
from app.training.messages.training_events import GOES_ON, Doing, Judged, Judging, Phase, Trained
from app.training.plan.training_memory import parameters_of
from app.training.plan.training_plan import TrainingPlan
from app.training.process.training_folder import TrainingFolder
from app.training.process.training_time import TimeLeft

_SAMPLE_IDS = 48


def run_training(folder: TrainingFolder, channel: Channel) -> None:
    """Train and judge, or what is left of it.

    Raises:
        TuneshiftError: The training cannot begin or go on.
        Cancelled: The program asked to abandon it, or has ended.
    """
    plan, split = folder.read()
    if not folder.is_trained:
        _train(folder, plan, split, channel)
        release_memory()
    else:
        channel.send(Trained(**folder.figures()))
    _judge(folder, plan, split, channel)


def _train(folder: TrainingFolder, plan: TrainingPlan, split: Split, channel: Channel) -> None:
    channel.send(Phase(Doing.READING))

    def cancelled() -> bool:
        return channel.is_abandoned

    role = open_small(plan.small, cancelled)
    settings, _ = fitting_settings(role, plan.settings)  # less may be free than when it began
    examples, held_out = (
        encode_documents(role.tokenizer, role.spec, documents, settings.most_tokens)
        for documents in (split.training, split.choosing)
    )
    channel.send(Phase(Doing.LOADING))
    parameters = parameters_of(footprint_of(role))
    trained = load_trained_model(role, settings, parameters, lambda done, total: None, cancelled)
    tokenizer = role.tokenizer
    callback = TrainingCallback(
        channel,
        _sample_prompt(role, held_out[0]),
        lambda ids: tokenizer.backend_tokenizer.decode(list(ids)),
        [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)],
    )
    channel.send(Phase(Doing.TRAINING))
    ended = train(trained, settings, examples, held_out, folder.checkpoints, callback)
    if callback.abandoned:
        raise Cancelled
    figures = Trained(
        adapter=str(folder.adapter),
        recipe=str(folder.recipe),
        stopped=callback.stopped,
        seconds=round(callback.seconds, 1),
        **asdict(ended),
    )
    part = folder.path / ".adapter.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        adapter_of(trained, part, _name_of(plan.small, role.files.folder))
        (part / "README.md").write_text(
            model_card(plan, split, len(examples), figures), encoding="utf-8"
        )
        shutil.rmtree(folder.adapter, ignore_errors=True)
        part.rename(folder.adapter)
        write_recipe(_recipe_of(plan, folder), folder.recipe)
    except OSError as error:
        raise TrainingError(
            f"The adapter cannot be written into {folder.path}",
            evidence=error.strerror or str(error),
            next_step=f"Free some disk space. {GOES_ON}",
        ) from error
    folder.end(asdict(figures))
    channel.send(figures)


def _judge(folder: TrainingFolder, plan: TrainingPlan, split: Split, channel: Channel) -> None:
    channel.send(Phase(Doing.LOADING_ALL))

    def cancelled() -> bool:
        return channel.is_abandoned

    recipe, time_left = _recipe_of(plan, folder), TimeLeft()

    def progress(done: int, total: int) -> None:
        channel.send(Judging(done, total, time_left.after(done, total)))

    verdict = judge(
        plan,
        recipe,
        split,
        ResultFolder(folder.evaluation),
        ModelLoader(cancelled=cancelled),
        cancelled,
        progress,
    )
    found = verdict.as_json()
    folder.write_verdict(found)
    write_recipe(recipe.with_alphas((verdict.alpha,)), folder.recipe)
    channel.send(Judged(found))


def _recipe_of(plan: TrainingPlan, folder: TrainingFolder) -> Recipe:
    """The recipe with the adapter in its folder."""
    return plan.recipe(str(folder.adapter.resolve()))


def _sample_prompt(role: OpenedRole, example: Example) -> tuple[str, tuple[int, ...]]:
    """The beginning of a held-out example, which samples continue."""
    count = example.first_learned if example.first_learned > 1 else 12
    ids = example.ids[:count][-_SAMPLE_IDS:]
    return role.tokenizer.backend_tokenizer.decode(list(ids)), ids


def _name_of(small: CheckpointSpec, folder: Path) -> str:
    """The name of the small model for the adapter: that on the Hub, or its folder."""
    kind, _, place = small.source.partition(":")
    return place.partition("@")[0] if kind == "hub" else str(folder)
