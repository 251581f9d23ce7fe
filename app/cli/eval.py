"""``tuneshift eval``: what every role of a recipe, and other checkpoints, reach in tasks."""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.cli.eval_report import results_table
from app.cli.roles import chosen_recipe, recipe_of_roles
from app.cli.status_line import StatusLine
from app.decoding.types import MAX_ALPHA
from app.errors import Cancelled, EvaluationError, SettingsError
from app.evaluation.harness_tasks import HarnessTasks, harness_tasks
from app.evaluation.results import TaskResults, as_json, result_of
from app.evaluation.store import Record, ResultFolder
from app.evaluation.tasks import Metric, Task, builtin_tasks, read_task, task_file, unknown_task
from app.evaluation.views import View, views_of

if TYPE_CHECKING:
    from app.evaluation.loading import Models
    from app.evaluation.processes import Processes

RESULTS = "results.json"


def evaluate_tasks(options: argparse.Namespace) -> int:
    """Carry out ``tuneshift eval``; returns the exit status.

    Raises:
        TuneshiftError: For everything that can be wrong with the input.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")  # one line says how far everything is
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    options.device = options.device or _device_of_process()
    recipe = chosen_recipe(options)
    views = views_of(recipe, _names(options.roles), _scales(options.alpha_scale), _alone)
    local, harness = _tasks(_names(options.tasks), options.data)
    running = next((task.name for task in local if task.metric is Metric.CODE), None)
    if running is not None and not options.allow_code_execution:
        raise EvaluationError(
            f"The task {running} runs the programs that models write",
            next_step="To allow it, best inside a container: --allow-code-execution",
        )
    if options.limit is not None and options.limit < 1:
        raise SettingsError("The limit must be at least 1", evidence=f"it is {options.limit}")
    evaluation = _Evaluation(
        [task.first(options.limit) for task in local],
        harness,
        views,
        options,
    )
    complete = evaluation.run()
    if evaluation.rank:  # the first of several processes tells
        return 0 if complete else 130
    found = evaluation.results()
    report = {"recipe": recipe.name, "complete": complete, "tasks": as_json(found)}
    path = evaluation.folder.write(RESULTS, report)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, allow_nan=False))
    else:
        print(results_table(found))
        print(f"\nResults: {path}")
    if not complete:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
    return 0 if complete else 130


class _Evaluation:
    """The answers so far, and how long the rest will take."""

    def __init__(
        self,
        tasks: Sequence[Task],
        harness: HarnessTasks | None,
        views: Sequence[View],
        options: argparse.Namespace,
    ) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.folder = ResultFolder(options.output, self.rank)
        self._tasks = tasks
        self._harness = harness
        self._views = views
        self._options = options
        self._records: dict[tuple[str, str], list[Record]] = {}
        self._of_harness: list[TaskResults] = []
        self._status = StatusLine()
        self._total = len(views) * sum(len(task.questions) for task in tasks)

    def run(self) -> bool:
        """Ask everything; whether nothing stopped it."""
        self._status.show("Starting …")
        from app.evaluation.loading import Models  # imports torch: seconds
        from app.evaluation.processes import Processes

        stop = False

        def request() -> None:
            nonlocal stop
            stop = True

        try:
            with _interrupt(request):
                models = Models(self._loading, lambda: stop)
                processes = Processes()
                self._ask(models, lambda: stop, processes)
                self._ask_harness(models, lambda: stop, processes)
        except Cancelled:
            return False
        finally:
            self._status.clear()
        return True

    def results(self) -> list[TaskResults]:
        """Of every task what is there of it."""
        found = []
        for task in self._tasks:
            results = [
                result_of(view, records)
                for view in self._views
                if (records := self._records.get((task.name, view.title)))
            ]
            found.append(
                TaskResults(task.name, task.measured, task.higher_is_better, tuple(results))
            )
        return [*found, *self._of_harness]

    def _ask(self, models: Models, cancelled: Callable[[], bool], processes: Processes) -> None:
        from app.evaluation.run import evaluate

        fresh, started = 0, time.monotonic()
        size = self._options.batch_size
        answers = evaluate(
            self._tasks, self._views, self.folder, models, size, cancelled, processes
        )
        for done, answered in enumerate(answers, 1):
            place = answered.task.name, answered.view.title
            self._records.setdefault(place, []).append(answered.record)
            if not answered.known:
                fresh += 1
                left = (time.monotonic() - started) / fresh * (self._total - done)
                self._status.show(
                    f"{place[0]}, {place[1]}: {done:,} of {self._total:,} answers, "
                    f"{_duration(left)} left"
                )

    def _ask_harness(
        self, models: Models, cancelled: Callable[[], bool], processes: Processes
    ) -> None:
        if self._harness is None:
            return
        from app.evaluation.harness import evaluate_with_harness

        self._of_harness = evaluate_with_harness(
            self._harness,
            self._views,
            self.folder,
            models,
            limit=self._options.limit,
            batch_size=self._options.batch_size,
            cancelled=cancelled,
            on_progress=self._status.show,
            processes=processes,
        )

    def _loading(self, progress: LoadProgress) -> None:
        share = progress.done / max(progress.total, 1)
        self._status.show(f"Loading the {progress.role}: {share:.0%}")


def _device_of_process() -> str | None:
    """The accelerator of this one of several processes; None where the recipe says."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return None
    import torch

    place = os.environ.get("LOCAL_RANK", "0")
    return f"cuda:{place}" if torch.cuda.is_available() else None


def _alone(model: str) -> Recipe:
    return recipe_of_roles(model, [model], [model])


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise SettingsError("A list of names is empty")
    return list(dict.fromkeys(names))


def _scales(text: str) -> list[float]:
    try:
        scales = [float(part) for part in text.split(",")]
    except ValueError:
        scales = [math.nan]
    if not all(abs(scale) <= MAX_ALPHA for scale in scales):  # NaN is not
        raise SettingsError(
            "--alpha-scale must be numbers with commas between them", evidence=f"it is {text}"
        )
    return list(dict.fromkeys(scales))


def _tasks(names: Sequence[str], data: Sequence[str]) -> tuple[list[Task], HarnessTasks | None]:
    """The local tasks, read, and those of the harness."""
    files = dict(_data_file(argument) for argument in data)
    paths = {name: path for name in names if (path := task_file(name))}
    harness = harness_tasks([name for name in names if name not in paths], builtin_tasks())
    local = [read_task(path, files.get(path.stem, files.get(""))) for path in paths.values()]
    unused = files.keys() - {path.stem for path in paths.values()} - {""}
    if unused:
        raise unknown_task(min(unused), [path.stem for path in paths.values()])
    titles = [task.name for task in local]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise EvaluationError(f"Two tasks are called “{twice}”")
    return local, harness


def _data_file(argument: str) -> tuple[str, Path]:
    """``NAME=FILE`` for one task, or ``FILE`` for any that names none."""
    name, separator, file = argument.partition("=")
    return (name, Path(file).expanduser()) if separator else ("", Path(argument).expanduser())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


@contextmanager
def _interrupt(request: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl+C end the evaluation within one token."""
    previous = signal.signal(signal.SIGINT, lambda number, frame: request())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
