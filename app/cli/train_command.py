"""``tuneshift train``: trains an expert on a person's texts, and judges whether it helps."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.checkpoints.preflight_report import MemoryEstimate
from app.checkpoints.recipes.recipe_file import resolved_source
from app.checkpoints.recipes.recipe_of_models import spec_of
from app.cli.interrupting import call_on_interrupt
from app.cli.output import print_line
from app.cli.progress_line import ProgressLine
from app.cli.train_report import (
    ProgressWords,
    report_of_preparation,
    report_of_verdict,
    warning_of,
)
from app.errors import DeviceError, SettingsError, TrainingError
from app.evaluation.store import file_name
from app.training.data.builtin_data import data_path
from app.training.judging.verdict import verdict_of
from app.training.messages.training_events import Abandoned, Failed, Judged, Trained
from app.training.process.training_folder import TrainingFolder
from app.training.process.training_process import TrainingProcess
from app.wording import size

if TYPE_CHECKING:
    from app.checkpoints.spec import CheckpointSpec
    from app.training.preparing.prepared_training import Preparation

_SETTINGS = ("epochs", "learning_rate", "rank", "batch_size", "most_tokens", "seed")
_PLACEMENT = ("device", "dtype", "quantization")
_WAIT_SECONDS = 0.2


def train(options: argparse.Namespace) -> int:
    """Run ``tuneshift train``; returns the exit status.

    Raises:
        TuneshiftError: The options, the data or the models cannot be used.
    """
    _check(options)
    status = ProgressLine()
    status.show("Reading the data …")
    try:
        from app.training.preparing.preparation import prepare_training
        from app.training.preparing.prepared_training import TrainingRequest

        placed = {name: getattr(options, name) for name in _PLACEMENT}
        placed = {name: value for name, value in placed.items() if value is not None}
        prepared = prepare_training(
            TrainingRequest(
                data=data_path(options.data),
                small=_model(options.small, placed),
                base=_model(options.base, placed),
                name=options.name,
                prompt=options.prompt_format,
                negative=options.negative,
                match=options.match,
                settings=_settings(options),
            )
        )
    finally:
        status.clear()
    if options.preview:
        _show_preparation(prepared, options.json)
        return 0
    if not prepared.memory.fits:
        raise DeviceError(
            "There is not enough memory for the training",
            evidence=f"needed {size(prepared.memory.total)}, free {size(prepared.memory.free)}",
            next_step="Choose a smaller model, shorter examples (--most-tokens) or a quantization.",
        )
    require_memory_to_judge(prepared.judging)
    folder = TrainingFolder(options.out or _folder_of(prepared.plan.name))
    folder.begin(prepared.plan, prepared.split)
    if not options.json:
        for warning in prepared.summary.warnings:
            print(f"tuneshift: {warning}", file=sys.stderr)
    return _Training(folder, options.json).run()


def require_memory_to_judge(estimate: MemoryEstimate) -> None:
    """Check that the base and the pair fit, which are loaded after the training.

    Raises:
        DeviceError: They do not.
    """
    full = next((device for device in estimate.devices if not device.fits), None)
    if full is not None:
        raise DeviceError(
            f"There is not enough memory to judge the expert on {full.device}",
            evidence=f"the base and the pair need {size(full.peak)}, free {size(full.free)}",
            next_step="Choose a smaller base or a quantization.",
        )


def _check(options: argparse.Namespace) -> None:
    try:
        re.compile(options.match)
    except re.error as error:
        raise SettingsError("--match is no regular expression", evidence=str(error)) from error


def _model(argument: str, placed: dict[str, Any]) -> CheckpointSpec:
    """The checkpoint of an argument. Its path is absolute: the recipe is in another folder."""
    spec = spec_of(argument)
    return replace(spec, source=resolved_source(spec.source, Path.cwd()), **placed)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(options, name) for name in _SETTINGS}
    return {name: value for name, value in given.items() if value is not None}


def _folder_of(name: str) -> Path:
    return Path(f"expert-{file_name(name)}")


def _show_preparation(prepared: Preparation, as_json: bool) -> None:
    if not as_json:
        print_line(report_of_preparation(prepared))
        return
    found = {
        "data": {
            **asdict(prepared.summary),
            "warnings": list(map(str, prepared.summary.warnings)),
        },
        "plan": prepared.plan.as_json(),
        "steps": prepared.steps,
        "memory": {**asdict(prepared.memory), "fits": prepared.memory.fits},
        "memory_to_judge": [
            {"device": each.device, "needed": each.peak, "free": each.free, "fits": each.fits}
            for each in prepared.judging.devices
        ],
        "previews": [asdict(each) for each in prepared.previews],
    }
    print_line(json.dumps(found, ensure_ascii=False))


class _Training:
    """Shows a training until it ends, and passes Ctrl+C on to it."""

    def __init__(self, folder: TrainingFolder, as_json: bool) -> None:
        self._folder = folder
        self._as_json = as_json
        self._status = ProgressLine()
        self._interrupted = False
        self._trained: Trained | None = None

    def run(self) -> int:
        """Returns the exit status."""
        words = ProgressWords()
        process = TrainingProcess(self._folder)
        try:
            with call_on_interrupt(lambda: self._interrupt(process)):
                while True:
                    for event in process.events(_WAIT_SECONDS):
                        line = words.after(event)
                        if line is not None:
                            self._status.show(line)
                        if isinstance(event, Trained):
                            self._keep(event, process)
                        elif isinstance(event, Judged):
                            return self._end(event)
                        elif isinstance(event, Abandoned):
                            return self._stopped()
                        elif isinstance(event, Failed):
                            raise TrainingError(
                                event.cause, evidence=event.evidence, next_step=event.next_step
                            )
        finally:
            self._status.clear()
            process.close()

    def _interrupt(self, process: TrainingProcess) -> None:
        """Keep the best of a training; end anything else."""
        if self._trained is None and not self._interrupted:
            process.stop()
        else:
            process.abandon()
        self._interrupted = True

    def _keep(self, event: Trained, process: TrainingProcess) -> None:
        self._trained = event
        if warning := warning_of(event):
            self._status.clear()
            print(f"tuneshift: {warning}", file=sys.stderr)
        if self._interrupted:
            process.abandon()

    def _stopped(self) -> int:
        self._status.clear()
        if self._trained is not None:
            print(f"Stopped. The adapter is in {self._trained.adapter}", file=sys.stderr)
            print("Run the same command again to judge it.", file=sys.stderr)
        else:
            print("Stopped. Run the same command again to go on.", file=sys.stderr)
        return 130

    def _end(self, event: Judged) -> int:
        self._status.clear()
        trained = self._trained
        if self._as_json:
            found = {"trained": trained and asdict(trained), "verdict": event.verdict}
            print_line(json.dumps(found, ensure_ascii=False))
            return 0
        print_line(report_of_verdict(verdict_of(event.verdict)))
        if trained is not None:
            print_line(f"\nAdapter: {trained.adapter}\nRecipe: {trained.recipe}")
        return 0
