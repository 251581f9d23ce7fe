"""Options that several subcommands have: models, recipes, where they run, sampling."""

from __future__ import annotations

import argparse

from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE
from app.checkpoints.spec import DTYPES
from app.cli.text_input import text_argument

MODEL = (
    "A model is a folder, a .gguf file, hub:OWNER/NAME[@REVISION], builtin:NAME or "
    "adapter:FOLDER, which adapts the anti-expert"
)


def add_recipe(parser: argparse._ActionsContainer) -> None:
    """Which recipe."""
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help=f"a built-in recipe or a recipe file (default: {DEFAULT_RECIPE})",
    )


def add_placement(parser: argparse._ActionsContainer) -> None:
    """Where roles run and in which dtype, in place of what the recipe says."""
    parser.add_argument("--device", help="auto, cpu, cuda:0, … for every role")
    parser.add_argument("--dtype", choices=DTYPES, help="for every role")


def add_roles(parser: argparse.ArgumentParser) -> None:
    """A recipe, or a base and pairs named one by one."""
    roles = parser.add_argument_group("models", description=f"{MODEL}.")
    add_recipe(roles)
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
    add_placement(roles)


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Sampling settings in place of the recipe's."""
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
        "--stop",
        type=text_argument,
        action="append",
        metavar="TEXT",
        help="end before this text; repeat for more",
    )
