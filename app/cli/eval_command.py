"""``tuneshift eval``: evaluates the roles of a recipe and other checkpoints on tasks."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.recipes.recipe_of_models import recipe_of_roles
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.cli.conflicting_options import refuse_together
from app.cli.eval_report import results_table, shifts_table
from app.cli.interrupting import call_on_interrupt
from app.cli.output import print_line
from app.cli.progress_line import ProgressLine, progress_text
from app.cli.roles import chosen_recipe
from app.errors import Cancelled, SettingsError
from app.evaluation.answers import Answers
from app.evaluation.folder_lock import lock_folder
from app.evaluation.history_summary import summary_of
from app.evaluation.plan import Plan, Prepared, parse_scales, prepare
from app.evaluation.results import TaskResults, report_of, write_report
from app.evaluation.store import ResultFolder
from app.evaluation.variants import default_roles
from app.history.database import open_history
from app.history.evaluation_summaries import EvaluationArchive
from app.history.records import new_run_id
from app.settings import history_file
from app.wording import duration

if TYPE_CHECKING:
    from app.evaluation.loading import ModelLoader
    from app.evaluation.processes import Processes

_TUNED = "tuned"


def evaluate_tasks(options: argparse.Namespace) -> int:
    """Run ``tuneshift eval``; returns the exit status.

    Raises:
        TuneshiftError: The options, tasks, recipe or models are invalid.
    """
    refuse_together(options, "json", ["shifts"])
    os.environ.setdefault("TQDM_DISABLE", "1")  # the progress line replaces the bars of libraries
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    options.device = options.device or _process_device()
    recipe = chosen_recipe(options)
    roles = _names(options.roles) if options.roles else default_roles(recipe)
    if not any(role.partition(":")[0] == _TUNED for role in roles):
        refuse_together(options, "roles", ["alpha", "alpha_scale", "alpha_policy"])
    plan = Plan(
        tasks=_names(options.tasks),
        roles=roles,
        scales=parse_scales(options.alpha_scale or "1"),
        policies=tuple(name for text in options.alpha_policy for name in _names(text)),
        data=tuple(options.data),
        limit=options.limit,
        batch_size=options.batch_size,
        allow_code=options.allow_code_execution,
    )
    status = ProgressLine()
    status.show("Reading the tasks …")
    try:
        prepared = prepare(plan, recipe, _single_model_recipe)
    finally:
        status.clear()
    with lock_folder(options.output, _rank()):
        return _evaluate(options, plan, recipe, prepared)


def _evaluate(options: argparse.Namespace, plan: Plan, recipe: Recipe, prepared: Prepared) -> int:
    evaluation = _Evaluation(plan, prepared, options.output, options.proof)
    complete = evaluation.run()
    if evaluation.rank:  # only the first process prints results
        return 0 if complete else 130
    found = evaluation.results()
    path = write_report(evaluation.folder, recipe.name, found, complete)
    exported = evaluation.export()
    if options.save:
        _save(plan, recipe, evaluation.folder.folder, found, complete)
    if options.json:
        print_line(json.dumps(report_of(recipe.name, found, complete), ensure_ascii=False))
    else:
        print_line(results_table(found))
        if options.shifts:
            print_line(f"\n{shifts_table(found)}")
        for file in exported:
            print_line(f"\nExported for a scorer: {file}")
        print_line(f"\nResults: {path}")
    if not complete:
        print("Stopped. Run the same command again to resume.", file=sys.stderr)
    return 0 if complete else 130


def _save(
    plan: Plan, recipe: Recipe, folder: Path, found: Sequence[TaskResults], complete: bool
) -> None:
    """Write a summary into the history, where the window lists it."""
    database = open_history(history_file(), lambda problem: print(problem, file=sys.stderr))
    archive = EvaluationArchive(database)
    try:
        archive.put(summary_of(new_run_id(), plan, recipe, folder, found, complete))
    finally:
        archive.close()


class _Evaluation:
    """Runs one evaluation and shows its progress."""

    def __init__(self, plan: Plan, prepared: Prepared, output: Path, proof: ProofMode) -> None:
        self.rank = _rank()
        self.folder = ResultFolder(output, self.rank)
        self._plan = plan
        self._proof = proof
        self._prepared = prepared
        self._found = Answers(prepared)
        self._harness_results: list[TaskResults] = []
        self._status = ProgressLine()

    def run(self) -> bool:
        """Answer all questions; returns False if the evaluation was cancelled."""
        self._status.show("Starting …")
        from app.evaluation.loading import ModelLoader  # imports torch: seconds
        from app.evaluation.processes import Processes

        stop = False

        def request() -> None:
            nonlocal stop
            stop = True

        try:
            with call_on_interrupt(request):
                models = ModelLoader(self._loading, lambda: stop, proof=self._proof)
                processes = Processes()
                self._ask(models, lambda: stop, processes)
                self._ask_harness(models, lambda: stop, processes)
        except Cancelled:
            return False
        finally:
            self._status.clear()
        return True

    def results(self) -> list[TaskResults]:
        """The scores of each task over the answers so far."""
        return [*self._found.results(), *self._harness_results]

    def export(self) -> list[Path]:
        """Write the export files for external scorers."""
        return self._found.export(self.folder)

    def _ask(
        self, models: ModelLoader, cancelled: Callable[[], bool], processes: Processes
    ) -> None:
        from app.evaluation.evaluation_run import evaluate

        fresh, started = 0, time.monotonic()
        asked, total = self._prepared, self._prepared.answers
        answers = evaluate(
            asked.tasks,
            asked.variants,
            self.folder,
            models,
            self._plan.batch_size,
            cancelled,
            processes,
        )
        for done, answered in enumerate(answers, 1):
            self._found.add(answered.task, answered.variant, answered.record)
            if not answered.cached:
                fresh += 1
                left = (time.monotonic() - started) / fresh * (total - done)
                self._status.show(
                    f"{answered.task.name}, {answered.variant.title}: "
                    f"{done:,} of {total:,} answers, {duration(left)} left"
                )

    def _ask_harness(
        self, models: ModelLoader, cancelled: Callable[[], bool], processes: Processes
    ) -> None:
        if self._prepared.harness is None:
            return
        from app.evaluation.harness import evaluate_with_harness

        self._harness_results = evaluate_with_harness(
            self._prepared.harness,
            self._prepared.variants,
            self.folder,
            models,
            limit=self._plan.limit,
            batch_size=self._plan.batch_size,
            cancelled=cancelled,
            on_progress=self._status.show,
            processes=processes,
        )

    def _loading(self, progress: LoadProgress) -> None:
        self._status.show(progress_text(progress))


def _rank() -> int:
    """The index of this process, if several share the evaluation."""
    return int(os.environ.get("RANK", "0"))


def _process_device() -> str | None:
    """The accelerator of this process, if several share the evaluation; otherwise None."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return None
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    place = os.environ.get("LOCAL_RANK", "0")
    return f"{accelerator.type}:{place}" if accelerator else None


def _single_model_recipe(model: str) -> Recipe:
    return recipe_of_roles(model, [model], [model])


def _names(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise SettingsError("A list of names is empty")
    return tuple(dict.fromkeys(names))
