"""The folder of a training: its plan, its documents, its checkpoints and the adapter."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.atomic_files import write_file
from app.errors import TrainingError
from app.evaluation.folder_lock import lock_folder
from app.training.data.documents import Document
from app.training.data.split import Split
from app.training.data.training_files import (
    ADAPTER,
    CHECKPOINTS,
    COURSE,
    EVALUATION,
    FORMAT,
    PUT_OFF,
    RECIPE,
    TRAINED,
    TRAINING,
    VERDICT,
)
from app.training.messages.training_events import Event, decode_event, encode_event
from app.training.plan.training_plan import TrainingPlan

_PARTS = ("training", "choosing", "judging")


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """The folder in which a training is stored, so that it can go on after its process ended.

    Its documents are stored too: a training that goes on reads the same ones, although the
    original files may have changed.
    """

    path: Path

    @property
    def adapter(self) -> Path:
        return self.path / ADAPTER

    @property
    def recipe(self) -> Path:
        return self.path / RECIPE

    @property
    def checkpoints(self) -> Path:
        return self.path / CHECKPOINTS

    @property
    def evaluation(self) -> Path:
        return self.path / EVALUATION

    @property
    def is_trained(self) -> bool:
        """Whether the training came to its end, so that only the verdict may be missing."""
        return (self.path / TRAINED).is_file()

    @property
    def is_put_off(self) -> bool:
        """Whether a person ended the training, so that it is not offered to go on by itself."""
        return (self.path / PUT_OFF).is_file()

    def begin(self, plan: TrainingPlan, split: Split) -> None:
        """Store the plan and the documents, unless the same are there.

        The settings that follow from the free memory are those of ``plan``, also where a training
        goes on: what did not fit before may fit with them.

        Raises:
            TrainingError: The folder holds another training, or cannot be written.
            EvaluationError: Another process uses the folder, or it cannot be written.
        """
        wanted = {"format": FORMAT, "plan": plan.as_json(), "documents": _parts(split)}
        file = self.path / TRAINING
        with self.lock():
            stored = _read(file) if file.is_file() else None
            comparable = _comparable(json.loads(json.dumps(wanted)))
            if stored is not None and _comparable(stored) != comparable:
                raise TrainingError(
                    f"{self.path} holds another training",
                    evidence="its data, models or settings differ",
                    next_step="Choose another folder with --out, or remove this one.",
                )
            wanted["began"] = time.time() if stored is None else _began(stored, file)
            self._write(TRAINING, json.dumps(wanted, ensure_ascii=False, indent=1) + "\n")

    def lock(self) -> AbstractContextManager[None]:
        """Lock the folder, so that two processes do not write to it.

        Raises:
            EvaluationError: Another process uses the folder, or it cannot be written.
        """
        return lock_folder(self.path, work="training", option="--out")

    def read(self) -> tuple[TrainingPlan, Split]:
        """The stored plan and documents.

        Raises:
            TrainingError: They are missing or damaged.
        """
        plan, split, _ = self.read_dated()
        return plan, split

    def read_dated(self) -> tuple[TrainingPlan, Split, float]:
        """The stored plan and documents, and when the training began, in seconds since 1970.

        Raises:
            TrainingError: They are missing or damaged.
        """
        file = self.path / TRAINING
        stored = _read(file)
        try:
            if stored["format"] != FORMAT:
                raise TrainingError(
                    f"{self.path} was written by another version of Tuneshift",
                    evidence=f"its format is {stored['format']}, not {FORMAT}",
                )
            parts = stored["documents"]
            training, choosing, judging = (
                tuple(map(Document.of_json, parts[name])) for name in _PARTS
            )
            split = Split(training, choosing, judging, parts["repeated"], parts["similar"])
            return TrainingPlan.of_json(stored["plan"]), split, _began(stored, file)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(file, error) from error

    def end(self, figures: dict[str, Any]) -> None:
        """Note that the training has ended, and remove its checkpoints.

        Raises:
            TrainingError: The folder cannot be written.
        """
        self._write(TRAINED, json.dumps(figures, indent=1) + "\n")
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def figures(self) -> dict[str, Any]:
        """What :meth:`end` noted.

        Raises:
            TrainingError: It is missing or damaged.
        """
        return _read(self.path / TRAINED)

    def write_verdict(self, verdict: dict[str, Any]) -> None:
        """Store the verdict.

        Raises:
            TrainingError: The folder cannot be written.
        """
        self._write(VERDICT, json.dumps(verdict, ensure_ascii=False, indent=1) + "\n")

    def verdict(self) -> dict[str, Any] | None:
        """The verdict of :meth:`write_verdict`; None if there is none yet.

        Raises:
            TrainingError: It is damaged.
        """
        file = self.path / VERDICT
        return _read(file) if file.is_file() else None

    def note(self, event: Event) -> None:
        """Keep an event, so that the course of the training can be shown after its process."""
        with suppress(OSError), (self.path / COURSE).open("ab") as file:
            file.write(encode_event(event) + b"\n")

    def course(self) -> list[Event]:
        """The events that were kept; lines that a kill left incomplete are skipped."""
        try:
            lines = (self.path / COURSE).read_bytes().splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):
                found.append(decode_event(line))
        return found

    def put_off(self) -> None:
        """Note that a person ended the training."""
        with suppress(OSError):
            (self.path / PUT_OFF).touch()

    def take_up(self) -> None:
        """Forget :meth:`put_off`."""
        with suppress(OSError):
            (self.path / PUT_OFF).unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_file(self.path / name, text)
        except OSError as error:
            raise TrainingError(
                f"{self.path} cannot be written",
                evidence=error.strerror or str(error),
                next_step="Choose another folder with --out.",
            ) from error


def _comparable(stored: dict[str, Any]) -> dict[str, Any]:
    """What two trainings must share to be the same: all but their time and the free memory."""
    plan = stored.get("plan", {})
    settings = {**plan.get("settings", {}), "batch_rows": None, "recompute": None}
    return {**stored, "plan": {**plan, "settings": settings}, "began": None}


def _began(stored: dict[str, Any], file: Path) -> float:
    """When a stored training began; older versions left that to the time of its file."""
    began = stored.get("began")
    return float(began) if isinstance(began, int | float) else file.stat().st_mtime


def _parts(split: Split) -> dict[str, Any]:
    parts: dict[str, Any] = {
        name: [document.as_json() for document in getattr(split, name)] for name in _PARTS
    }
    return {**parts, "repeated": split.repeated, "similar": split.similar}


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TrainingError(
            f"{file.parent} holds no training", evidence=f"there is no {file.name}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(file, error) from error
    if not isinstance(content, dict):
        raise _damaged(file, TypeError("it is no object"))
    return content


def _damaged(file: Path, error: Exception) -> TrainingError:
    return TrainingError(
        f"{file} is damaged",
        evidence=f"{type(error).__name__}: {error}",
        next_step="Train into another folder.",
    )
