"""The options of ``tuneshift inspect``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands

TINTS = (
    "shift",
    "contribution",
    "surprisal",
    "base-surprisal",
    "kl",
    "entropy",
    "rank",
    "probability",
    "base-probability",
    "base-entropy",
    "tuned-rank",
)
PLOTS = ("probability", "log-probability", "surprisal", "kl", "entropy", "rank")
"""The measures of reports; their enumerations import NumPy, which takes long."""


def add_inspect(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "inspect",
        help="print or export stored runs",
        description="Print a stored run, token by token, or write runs in another format. "
        "The history contains all runs of the window and those of: tuneshift generate --save",
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="RUN",
        help="a run id, a unique prefix of one, or last; several for csv and parquet",
    )
    parser.add_argument(
        "--format",
        choices=(
            "table",
            "json",
            "csv",
            "parquet",
            "candidates",
            "html",
            "svg",
            "png",
            "markdown",
            "text",
            "conversation",
            "messages",
        ),
        help="default: table; csv and parquet have a row for each token, candidates is a CSV file "
        "of the candidates of every token; svg and png are the plot",
    )
    parser.add_argument(
        "--tint",
        choices=TINTS,
        help="html: the measure that tokens are coloured by; default: shift",
    )
    parser.add_argument(
        "--pair",
        metavar="NAME",
        help="html: the pair whose contribution tokens are coloured by, with --tint contribution; "
        "default: the first",
    )
    parser.add_argument(
        "--plot",
        action="append",
        choices=PLOTS,
        help="html, svg, png: the measure of the plot; given twice, the second is below the "
        "first; default: probability",
    )
    parser.add_argument(
        "--unit",
        choices=("bits", "nats", "probability"),
        help="html, svg, png: the unit of amounts of information in tints and plots; default: "
        "bits, and for the tint of a contribution its share of the probability, which is "
        "probability, and which html also has for the tint of the shift",
    )
    parser.add_argument(
        "--scale",
        metavar="NUMBER|auto",
        help="html: where the colour of the tint is darkest, in its unit; auto is what 95%% of the "
        "tokens are within; default: a usual value of the measure",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="the output file; - is the standard output (default)"
    )
    parser.add_argument(
        "--list", action="store_true", help="list runs and evaluations instead, newest first"
    )
    parser.add_argument("--search", metavar="WORDS", help="list only those that contain all WORDS")


def _run(options: argparse.Namespace) -> int:
    from app.cli.inspect_command import inspect

    return inspect(options)
