"""The options of ``tuneshift eval``."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.options.parser import Commands
from app.cli.options.shared import add_roles


def add_eval(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "eval",
        help="measure what tuning changes, in tasks of your own or of lm-evaluation-harness",
        description="Ask the roles of a recipe, and other checkpoints, the questions of tasks. "
        "Answers are kept as they come: the same command goes on where it was stopped. The exit "
        "status is 0 where everything is answered and 130 where it was stopped.",
    )
    parser.set_defaults(run=_run)
    asked = parser.add_argument_group("what is asked")
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
        help="the JSON lines of a task that names none, or in place of those it names",
    )
    asked.add_argument("--limit", type=int, metavar="N", help="the first N questions of each task")
    who = parser.add_argument_group("who is asked")
    who.add_argument(
        "--roles",
        metavar="ROLE,…",
        help="base, expert, antiexpert, tuned, the last three for one pair as in tuned:NAME, and "
        "checkpoints tuned directly as NAME=MODEL, which are prompted like the first expert "
        "(default: base, every expert, tuned)",
    )
    who.add_argument(
        "--alpha-scale",
        default="1",
        metavar="X,…",
        help="what every alpha is multiplied with; tuned is measured once for each",
    )
    add_roles(parser)
    parser.add_argument(
        "--batch-size",
        type=_batch_size,
        default=None,
        metavar="N",
        help="texts read side by side (default: auto, as many as fit)",
    )
    parser.add_argument(
        "--allow-code-execution",
        action="store_true",
        help="run programs that models write, for tasks that do: with bounds of time and memory "
        "and without network, but not without your files",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("tuneshift-eval"),
        metavar="FOLDER",
        help="where answers and results are kept (default: tuneshift-eval)",
    )
    parser.add_argument(
        "--shifts",
        action="store_true",
        help="print which tokens tuning changed, by class of token, too",
    )
    parser.add_argument(
        "--save",
        action="store_true",
        help="put a summary into the history, from which the window opens it",
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
