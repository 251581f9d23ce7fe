"""Options that several subcommands share: models, recipe, placement, sampling."""

from __future__ import annotations

import argparse

from app.checkpoints.engine_options import ALL, AS_MANY_AS_FIT, ENGINES, KV_CACHE_TYPES
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE
from app.checkpoints.spec import DTYPES, QUANTIZATIONS
from app.cli.options.completion_options import recipe_names
from app.cli.text_input import text_argument
from app.decoding.alpha_policy import FORMS

MODEL = (
    "A model is a folder, a .gguf file, hub:OWNER/NAME[@REVISION], builtin:NAME or "
    "adapter:FOLDER (or adapter:FILE.gguf), a LoRA adapter for the anti-expert"
)


def add_recipe(parser: argparse._ActionsContainer) -> None:
    """Add the option for the recipe."""
    option = parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help=f"a built-in recipe or a recipe file (default: {DEFAULT_RECIPE})",
    )
    option.completer = recipe_names  # type: ignore[attr-defined]  # for argcomplete


def add_placement(parser: argparse._ActionsContainer) -> None:
    """Add the options for device, dtype, quantization and engine, which override the recipe's."""
    parser.add_argument("--device", help="auto, cpu, cuda:0, … for every role")
    parser.add_argument("--dtype", choices=DTYPES, help="for every role")
    parser.add_argument(
        "--quantization", choices=QUANTIZATIONS, help="of the weights while loading, for every role"
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        help="what reads the models, for every role; auto: llama.cpp for GGUF files, if installed",
    )
    parser.add_argument(
        "--gpu-layers",
        type=_layers,
        metavar="N|auto|all",
        help="layers of GGUF files that llama.cpp puts on a GPU; auto: as many as fit",
    )
    parser.add_argument(
        "--kv-cache",
        choices=KV_CACHE_TYPES,
        help="type of the KV cache of llama.cpp, for every role",
    )


def _layers(text: str) -> int | str:
    if text in (AS_MANY_AS_FIT, ALL):
        return text
    if text.isascii() and text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f"“{text}” is not a number, {AS_MANY_AS_FIT} or {ALL}")


def add_roles(parser: argparse.ArgumentParser) -> None:
    """Add the options for a recipe, or for a base and expert pairs."""
    roles = parser.add_argument_group("models", description=f"{MODEL}.")
    add_recipe(roles)
    roles.add_argument("--base", metavar="MODEL", help="the model to tune, instead of a recipe")
    for role, meaning in (
        ("expert", "a tuned small model"),
        ("antiexpert", "its untuned counterpart"),
    ):
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
        help="alpha of a pair, in order; repeat for more pairs (default: the recipe's, or 1)",
    )
    add_placement(roles)


def add_prompt_format(parser: argparse._ActionsContainer) -> None:
    """Add the options for the prompt format and the system prompt of all roles."""
    parser.add_argument(
        "--prompt-format",
        metavar="FORMAT",
        type=text_argument,
        help="plain, chat (the model's chat template) or a template with {prompt} and optionally "
        "{system}, for every role (default: the recipe's, or plain)",
    )
    parser.add_argument(
        "--system", metavar="TEXT", type=text_argument, help="the system prompt, for every role"
    )


def add_proof(parser: argparse._ActionsContainer) -> None:
    """Whether loaded models are proved."""
    parser.add_argument(
        "--no-proof",
        dest="proof",
        action="store_const",
        const=ProofMode.OFF,
        default=ProofMode.KEPT,
        help="do not compare the loaded models with plain forward passes",
    )


def add_speculation(parser: argparse.ArgumentParser) -> None:
    """Whether decoding is speculative."""
    parser.add_argument(
        "--no-speculation",
        dest="speculate",
        action="store_false",
        help="disable speculative decoding: slower, but without rounding differences of blocks",
    )


def _bias(text: str) -> tuple[int, float]:
    token_id, _, number = text.partition("=")
    try:
        return int(token_id), float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is not ID=NUMBER, such as 13=-2.5") from None


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add the options for sampling settings, which override the recipe's."""
    sampling = parser.add_argument_group("sampling (default: the recipe's)")
    sampling.add_argument("--max-new-tokens", type=int, metavar="N")
    sampling.add_argument("--greedy", action="store_true", help="the same as --temperature 0")
    sampling.add_argument("--temperature", type=float, metavar="T", help="0 is greedy")
    sampling.add_argument("--top-k", type=int, metavar="K", help="0 is off")
    sampling.add_argument("--top-p", type=float, metavar="P", help="1 is off")
    sampling.add_argument("--min-p", type=float, metavar="P", help="0 is off")
    sampling.add_argument("--repetition-penalty", type=float, metavar="R", help="1 is off")
    for name, meaning in (
        ("frequency", "each time it was generated"),
        ("presence", "if it was generated"),
    ):
        sampling.add_argument(
            f"--{name}-penalty",
            type=float,
            metavar="P",
            help=f"subtracted from the logit of a token {meaning}; 0 is off",
        )
    sampling.add_argument(
        "--logit-bias",
        action="append",
        type=_bias,
        metavar="ID=NUMBER",
        help="added to the logit of a token id; repeat for more ids",
    )
    sampling.add_argument(
        "--json-schema",
        metavar="FILE",
        help="a JSON schema that the text must follow, such as {} for any JSON value",
    )
    sampling.add_argument(
        "--grammar",
        metavar="FILE",
        help="a grammar in GBNF or Lark that the text must follow",
    )
    sampling.add_argument(
        "--alpha-policy",
        metavar="POLICY",
        help=f"how alpha changes from token to token: {', '.join(FORMS.values())}",
    )
    sampling.add_argument(
        "--seed",
        type=int,
        help="seed of the noise: the same seed gives the same text (default: that of the recipe, "
        "or 0; in the window a seed is new each time unless it is pinned)",
    )
    sampling.add_argument(
        "--stop",
        type=text_argument,
        action="append",
        metavar="TEXT",
        help="stop before this text; repeat for more",
    )
