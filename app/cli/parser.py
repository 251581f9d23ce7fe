"""The options of the command line. Each subcommand's work is imported when it is run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from app import __version__
from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE
from app.checkpoints.spec import DTYPES
from app.errors import SettingsError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(
            f"{message[:1].upper()}{message[1:]}", next_step=f"See {self.prog} --help."
        )


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options; ``options.run(options)`` carries them out and returns the exit status.

    Raises:
        SettingsError: When the options cannot be understood.
    """
    parser = _Parser(
        prog="tuneshift",
        description="Proxy-tune a language model and see what each expert pair did to each token. "
        "Without a subcommand, opens the window.",
    )
    parser.add_argument("--version", action="version", version=f"tuneshift {__version__}")
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        nargs="?",
        help="the recipe to open in the window (default: the last)",
    )
    parser.set_defaults(run=_open_window)
    commands = parser.add_subparsers(title="subcommands", metavar="COMMAND")
    _add_generate(commands)
    _add_check(commands)
    _add_download(commands)
    _add_serve(commands)
    _add_inspect(commands)
    _add_bench(commands)
    _add_eval(commands)
    _add_selftest(commands)
    return parser.parse_args(arguments)


def _add_generate(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "generate",
        help="stream a tuned generation to the terminal",
        description="Stream a tuned generation to stdout.",
    )
    parser.set_defaults(run=_generate)
    parser.add_argument(
        "prompt",
        nargs="?",
        help="the text to continue; - reads it from stdin; default: the recipe's sample prompt",
    )
    _add_roles(parser)
    _add_sampling(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--json", action="store_true", help="print one JSON object instead of the text"
    )
    output.add_argument(
        "--shifts",
        action="store_true",
        help="end with a table of what each pair did to each token",
    )
    output.add_argument(
        "--save",
        action="store_true",
        help="keep the run in the history, for tuneshift inspect; its id is told on stderr",
    )
    parser.add_argument(
        "--again",
        metavar="RUN",
        help="instead of all this: repeat a run of the history (its id, or last) with the alphas "
        "that each token had; the exit status is 1 where other tokens come",
    )
    parser.add_argument(
        "--no-speculation",
        dest="speculate",
        action="store_false",
        help="read one token at a time; slower, and no block of tokens is rounded in another way",
    )


def _add_check(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "check",
        help="say whether models fit together, before loading them",
        description="Compare the vocabularies of a recipe, write out its prompts and estimate its "
        "memory. No weights are read. The exit status is 0 where the recipe can be used and 2 "
        "where it is refused; that it does not fit into the memory that is free now is only told.",
    )
    parser.set_defaults(run=_check)
    parser.add_argument(
        "models",
        nargs="*",
        metavar="BASE EXPERT ANTIEXPERT",
        help=f"instead of a recipe; repeat the last two for more pairs. {_MODEL}",
    )
    _add_recipe(parser)
    parser.add_argument("--prompt", help="the prompt to write out (default: the recipe's sample)")
    parser.add_argument(
        "--accept",
        type=int,
        action="append",
        default=[],
        metavar="ID",
        help="a token id that may be generated although it is spelled differently",
    )
    _add_placement(parser)
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="fetch what is needed of models on the Hub that are not here: a few MB, no weights",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_inspect(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "inspect",
        help="look at a run that was kept, or export it",
        description="Print a run of the history, token by token, or write it in another format. "
        "Runs of the window are kept, and those of: tuneshift generate --save",
    )
    parser.set_defaults(run=_inspect)
    parser.add_argument("name", nargs="?", metavar="RUN", help="an id, its beginning, or last")
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv", "candidates", "html", "svg", "png", "markdown", "text"),
        default="table",
        help="candidates is a CSV of the alternatives at every token; svg and png are the plot",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where to write; - or nothing is the standard output"
    )
    parser.add_argument("--list", action="store_true", help="list runs instead, the newest first")
    parser.add_argument("--search", metavar="WORDS", default="", help="only runs that hold them")


def _add_download(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "download",
        help="download models from the Hub",
        description="Download models from the Hugging Face Hub. Files that are here already are "
        "kept; only safetensors weights, configurations and tokenizers are fetched.",
    )
    parser.set_defaults(run=_download)
    parser.add_argument(
        "names", nargs="*", metavar="NAME[@REVISION]", help="a model on the Hub, as OWNER/NAME"
    )
    parser.add_argument(
        "--recipe", metavar="NAME|FILE", help="instead: every model that a recipe needs"
    )


def _add_bench(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure how fast decoding is on this machine",
        description="Generate with the models in several ways, in turn, and compare: a plain loop "
        "of forwards, Tuneshift with and without drafts, and the base alone.",
    )
    parser.set_defaults(run=_bench)
    _add_roles(parser)
    measured = parser.add_argument_group("what is measured")
    measured.add_argument(
        "--shapes",
        metavar="BASE,EXPERT,ANTIEXPERT",
        help="instead of models: random weights of these sizes, such as 13b,7b,7b",
    )
    measured.add_argument("--prompt", help="the text to continue (default: the recipe's sample)")
    measured.add_argument("--tokens", type=int, default=128, metavar="N", help="default: 128")
    measured.add_argument(
        "--temperature", type=float, default=0.0, metavar="T", help="default: 0, which is greedy"
    )
    measured.add_argument(
        "--repeats", type=int, default=5, metavar="N", help="texts for each way (default: 5)"
    )
    measured.add_argument(
        "--contexts",
        type=_numbers,
        default=(),
        metavar="N,…",
        help="time a step at these context lengths too, such as 128,1024,8192",
    )
    measured.add_argument(
        "--pairs",
        type=_numbers,
        default=(),
        metavar="N,…",
        help="time a step with so many pairs too, such as 1,2,4",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON object")
    output.add_argument("--plot", metavar="FILE.svg", help="save a plot of the results")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _add_eval(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "eval",
        help="measure what tuning changes, in tasks of your own or of lm-evaluation-harness",
        description="Ask the roles of a recipe, and other checkpoints, the questions of tasks. "
        "Answers are kept as they come: the same command goes on where it was stopped. The exit "
        "status is 0 where everything is answered and 130 where it was stopped.",
    )
    parser.set_defaults(run=_eval)
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
        default="base,expert,tuned",
        metavar="ROLE,…",
        help="base, expert, antiexpert, tuned, the last three for one pair as in tuned:NAME, and "
        "checkpoints tuned directly as NAME=MODEL, which are prompted like the first expert "
        "(default: base,expert,tuned)",
    )
    who.add_argument(
        "--alpha-scale",
        default="1",
        metavar="X,…",
        help="what every alpha is multiplied with; tuned is measured once for each",
    )
    _add_roles(parser)
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
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _batch_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be auto or a number from 1, not {text}")
    return int(text)


def _add_selftest(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "selftest",
        help="say whether this installation works",
        description="Load the built-in demo, decode, check the attribution, write and read a "
        "history of its own, and draw the window without a screen. Nothing of yours is touched.",
    )
    parser.set_defaults(run=_selftest)


def _add_serve(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "serve",
        help="answer requests of the OpenAI API with a recipe",
        description="Load a recipe and answer requests of the OpenAI API with it: /v1/models, "
        "/v1/completions and /v1/chat/completions. docs/serve.md says what is understood.",
    )
    parser.set_defaults(run=_serve)
    _add_recipe(parser)
    _add_placement(parser)
    address = parser.add_argument_group("who may ask")
    address.add_argument(
        "--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)"
    )
    address.add_argument("--port", type=int, default=8642, help="default: %(default)s")
    address.add_argument(
        "--api-key",
        metavar="KEY",
        help="what has to be shown; others on this machine can read it in the list of processes, "
        "so prefer --api-key-file or the environment variable TUNESHIFT_SERVE_KEY",
    )
    address.add_argument("--api-key-file", metavar="FILE", help="a file that holds the key")
    address.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="an origin whose pages may ask, such as https://chat.example.org; repeat for more",
    )


_MODEL = (
    "A model is a folder, a .gguf file, hub:OWNER/NAME[@REVISION], builtin:NAME or "
    "adapter:FOLDER, which adapts the anti-expert"
)


def _add_recipe(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help=f"a built-in recipe or a recipe file (default: {DEFAULT_RECIPE})",
    )


def _add_placement(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--device", help="auto, cpu, cuda:0, … for every role")
    parser.add_argument("--dtype", choices=DTYPES, help="for every role")


def _add_roles(parser: argparse.ArgumentParser) -> None:
    roles = parser.add_argument_group("models", description=f"{_MODEL}.")
    _add_recipe(roles)
    roles.add_argument("--base", metavar="MODEL", help="the model to tune, instead of a recipe")
    for role, meaning in (("expert", "a tuned small model"), ("antiexpert", "the same untuned")):
        roles.add_argument(
            f"--{role}",
            metavar="MODEL",
            action="append",
            default=[],
            help=f"{meaning}; repeat for more pairs",
        )
    roles.add_argument(
        "--alpha",
        type=float,
        action="append",
        default=[],
        help="weight of a pair, in order; repeat for more pairs (default: the recipe's, or 1)",
    )
    _add_placement(roles)


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    sampling = parser.add_argument_group("sampling (default: the recipe's)")
    sampling.add_argument("--max-new-tokens", type=int, metavar="N")
    sampling.add_argument("--greedy", action="store_true", help="the same as --temperature 0")
    sampling.add_argument("--temperature", type=float, metavar="T", help="0 is greedy")
    sampling.add_argument("--top-k", type=int, metavar="K", help="0 is off")
    sampling.add_argument("--top-p", type=float, metavar="P", help="1 is off")
    sampling.add_argument("--min-p", type=float, metavar="P", help="0 is off")
    sampling.add_argument("--repetition-penalty", type=float, metavar="R", help="1 is off")
    sampling.add_argument("--seed", type=int, help="the same seed gives the same text")
    sampling.add_argument(
        "--stop", action="append", metavar="TEXT", help="end before this text; repeat for more"
    )


def _open_window(options: argparse.Namespace) -> int:
    from app.cli.window import open_window

    return open_window(options.recipe)


def _generate(options: argparse.Namespace) -> int:
    from app.cli.generate import generate

    return generate(options)


def _check(options: argparse.Namespace) -> int:
    from app.cli.check import check

    return check(options)


def _bench(options: argparse.Namespace) -> int:
    from app.cli.bench import bench

    return bench(options)


def _eval(options: argparse.Namespace) -> int:
    from app.cli.eval import evaluate_tasks

    return evaluate_tasks(options)


def _inspect(options: argparse.Namespace) -> int:
    from app.cli.inspect import inspect

    return inspect(options)


def _selftest(options: argparse.Namespace) -> int:
    from app.cli.selftest import selftest

    return selftest(options)


def _serve(options: argparse.Namespace) -> int:
    from app.cli.serve import serve

    return serve(options)


def _download(options: argparse.Namespace) -> int:
    from app.cli.download import download

    return download(options)
