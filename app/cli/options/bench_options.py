"""The options of ``tuneshift bench``."""

from __future__ import annotations

import argparse

from app.cli.options.parser import Commands
from app.cli.options.shared import add_proof, add_roles
from app.cli.text_input import text_argument


def add_bench(commands: Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "bench",
        help="measure how fast decoding is on this machine",
        description="Compare the decoding speed of a plain loop of forward passes, of Tuneshift "
        "with and without speculative decoding, and of the base alone.",
    )
    parser.set_defaults(run=_run)
    add_roles(parser)
    add_proof(parser)
    measured = parser.add_argument_group("measurements")
    measured.add_argument(
        "--shapes",
        metavar="BASE,EXPERT,ANTIEXPERT",
        help="use random weights of these sizes instead of models, such as 13b,7b,7b",
    )
    measured.add_argument(
        "--prompt",
        type=text_argument,
        help="the prompt (default: the recipe's sample prompt)",
    )
    measured.add_argument("--tokens", type=int, default=128, metavar="N", help="default: 128")
    measured.add_argument(
        "--temperature", type=float, default=0.0, metavar="T", help="default: 0, which is greedy"
    )
    measured.add_argument(
        "--repeats", type=int, default=5, metavar="N", help="runs of each variant (default: 5)"
    )
    measured.add_argument(
        "--contexts",
        type=_numbers,
        default=(),
        metavar="N,…",
        help="also time a step at these context lengths, such as 128,1024,8192",
    )
    measured.add_argument(
        "--pairs",
        type=_numbers,
        default=(),
        metavar="N,…",
        help="also time a step with these numbers of pairs, such as 1,2,4",
    )
    measured.add_argument(
        "--blocks",
        type=_numbers,
        default=(),
        metavar="N,…",
        help="also time blocks of these sizes, such as 1,2,4,6,8,16, and predict the speedup of "
        "speculative decoding",
    )
    measured.add_argument(
        "--prompts",
        type=_numbers,
        default=(),
        metavar="N,…",
        help="also time the first token after texts of these lengths, read anew and with all but "
        "the last 16 tokens read before, such as 64,512,2048",
    )
    measured.add_argument(
        "--vocabularies",
        type=_numbers,
        default=(),
        metavar="N,…",
        help="also time combining, sampling, attribution and candidates with this many token ids, "
        "such as 8192,49152,151936, for one and two pairs",
    )
    measured.add_argument(
        "--turns",
        type=int,
        default=10,
        metavar="N",
        help="time the first token at turn N of a conversation, with the turns before it read "
        "anew, reused, and left out; 0 for no conversation (default: 10)",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON object")
    output.add_argument("--plot", metavar="FILE.svg", help="save a plot of the results")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _run(options: argparse.Namespace) -> int:
    from app.cli.bench_command import bench

    return bench(options)
