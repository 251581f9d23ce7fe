"""The options of ``tuneshift eval``."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.options.parser import Commands
from app.cli.options.shared import add_proof, add_roles


def add_eval(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "eval",
        help="evaluate a recipe on your own tasks or those of lm-evaluation-harness",
        description="Evaluate the roles of a recipe, and other checkpoints, on tasks. Answers are "
        "stored as they arrive: the same command resumes a stopped evaluation. The exit status is "
        "0 if all questions were answered and 130 if the evaluation was stopped.",
    )
    parser.set_defaults(run=_run)
    asked = parser.add_argument_group("tasks")
    asked.add_argument(
        "--tasks",
        required=True,
        metavar="TASK,…",
        help="a .toml file, a built-in task, or one of lm-evaluation-harness by name or .yaml file",
    )
    asked.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="[TASK=]FILE",
        help="the data file of a task, in JSON lines; overrides the one that the task names",
    )
    asked.add_argument(
        "--limit", type=int, metavar="N", help="use only the first N questions of each task"
    )
    who = parser.add_argument_group("models to evaluate")
    who.add_argument(
        "--roles",
        metavar="ROLE,…",
        help="base, expert, antiexpert or tuned (of one pair: tuned:NAME), or a directly tuned "
        "checkpoint as NAME=MODEL, which gets the first expert's prompt format (default: base, "
        "every expert, tuned)",
    )
    who.add_argument(
        "--alpha-scale",
        metavar="X,…",
        help="factors for all alphas; tuned is evaluated once for each (default: 1)",
    )
    who.add_argument(
        "--alpha-policy",
        action="append",
        default=[],
        metavar="POLICY,…",
        help="policies of alpha to compare with constant ones, such as kl:0.5,answer; tuned is "
        "evaluated once for each scale with each",
    )
    add_roles(parser)
    add_proof(parser)
    parser.add_argument(
        "--batch-size",
        type=_batch_size,
        default=None,
        metavar="N",
        help="sequences in a batch (default: auto, as many as fit into memory)",
    )
    parser.add_argument(
        "--allow-code-execution",
        action="store_true",
        help="run model-written programs for tasks that need it: with limits of time and memory "
        "and without network, but with access to your files",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("tuneshift-eval"),
        metavar="FOLDER",
        help="the folder for answers and results (default: tuneshift-eval)",
    )
    parser.add_argument(
        "--shifts",
        action="store_true",
        help="also print mean shifts by class of token",
    )
    parser.add_argument(
        "--save",
        action="store_true",
        help="store a summary in the history, where the window lists it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _batch_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be auto or a number from 1, not {text}")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    from app.cli.eval_command import evaluate_tasks

    return evaluate_tasks(options)
