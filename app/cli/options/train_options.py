"""The options of ``tuneshift train``."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.checkpoints.spec import DTYPES, QUANTIZATIONS
from app.cli.options.parser import Commands
from app.cli.options.shared import MODEL
from app.cli.text_input import text_argument


def add_train(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "train",
        help="train an expert on your own texts, and judge whether it helps",
        description="Train a LoRA adapter of a small model on your texts, write it with a recipe, "
        "and judge on held-out documents whether it helps the base. The same command goes on with "
        "a training that was killed. Ctrl+C ends it and keeps the best adapter so far. The exit "
        "status is 0 if the expert was judged, whatever the verdict, and 130 if it was stopped.",
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "data",
        metavar="DATA",
        help="a folder of texts, a .jsonl or .csv file (text, prompt and answer, or messages), or "
        "builtin:dickens",
    )
    models = parser.add_argument_group("models", description=f"{MODEL}.")
    models.add_argument("--small", required=True, metavar="MODEL", help="the model to train")
    models.add_argument("--base", required=True, metavar="MODEL", help="the model to tune with it")
    models.add_argument("--device", help="auto, cpu, cuda:0, … for every model")
    models.add_argument("--dtype", choices=DTYPES, help="for every model")
    models.add_argument(
        "--quantization", choices=QUANTIZATIONS, help="of the weights while loading"
    )
    _add_meaning(parser)
    _add_settings(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="the folder for the adapter, the recipe and the verdict (default: expert-NAME)",
    )
    parser.add_argument(
        "--preview",
        action="store_true",
        help="show the data, what the model would read, the settings and the memory; do not train",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_meaning(parser: argparse.ArgumentParser) -> None:
    """Options that say what the data mean."""
    meaning = parser.add_argument_group("data")
    meaning.add_argument(
        "--name", default="", help="the name of the expert (default: that of the data)"
    )
    meaning.add_argument(
        "--prompt-format",
        metavar="FORMAT",
        default="",
        type=text_argument,
        help="plain, chat or a template with {prompt} (default: plain for texts; for prompts and "
        "messages chat if the small model has a chat template, otherwise a prompt with a line "
        "break after it, or plain for messages and for answers that begin with a space)",
    )
    meaning.add_argument(
        "--negative",
        action="store_true",
        help="the texts are what to steer away from: the trained model becomes the anti-expert",
    )
    meaning.add_argument(
        "--match",
        metavar="REGEX",
        default="",
        help="also compare answers: the last match of this regular expression in each, or in "
        "its first line where no answer of the data has several",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Settings of the training."""
    settings = parser.add_argument_group("training (default: found from the size of the data)")
    settings.add_argument("--epochs", type=float, help="how many times each example is read")
    settings.add_argument("--learning-rate", type=float, metavar="RATE")
    settings.add_argument("--rank", type=int, help="the rank of the adapter")
    settings.add_argument("--batch-size", type=int, metavar="N", help="examples of a step")
    settings.add_argument("--most-tokens", type=int, metavar="N", help="longer examples are cut")
    settings.add_argument("--seed", type=int)


def _run(options: argparse.Namespace) -> int:
    from app.cli.train_command import train

    return train(options)
