"""``tuneshift generate --again RUN``: repeats a stored run and compares the tokens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from app.checkpoints.status import RoleInForce
from app.cli.roles import with_placement
from app.cli.run_request import RunRequest
from app.engine.controls import LiveAlphas, ReplayedAlphas
from app.errors import RecipeError
from app.history.archive import Archive
from app.history.database import open_to_read
from app.history.records import StoredRun
from app.history.repeat import Repeatable, repeatable
from app.settings import history_file

_16_BIT = ("bfloat16", "float16")
_OF_ROLES = ("fingerprint", "engine", "device", "hardware", "dtype", "quantization", "kv_cache")
_CONFLICTING_OPTIONS = (
    "prompt",
    "recipe",
    "base",
    "expert",
    "antiexpert",
    "alpha",
    "alpha_policy",
    "max_new_tokens",
    "greedy",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "json_schema",
    "grammar",
    "seed",
    "stop",
    "messages",
    "system",
    "prompt_format",
)


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedRun:
    """A stored run that is repeated."""

    stored: StoredRun
    wanted: Repeatable

    def request(self, options: argparse.Namespace) -> RunRequest:
        """The request to the engine; ``options`` may name another device, dtype or engine."""
        wanted = self.wanted
        return RunRequest(
            prompt=wanted.prompt,
            recipe=with_placement(wanted.recipe, options),
            config=wanted.config,
            alphas=ReplayedAlphas(wanted.alphas) if wanted.alphas else LiveAlphas(()),
            given=wanted.given,
            role=wanted.role,
            drafts=wanted.drafts and options.speculate,
            proof=options.proof,
            past_turn=wanted.past_turn,
        )

    def compare(self, token_ids: Sequence[int], roles: Sequence[RoleInForce], drafts: bool) -> bool:
        """Whether the same tokens were generated. If not, prints one line about it to stderr.

        Args:
            token_ids: The generated tokens.
            roles: The models that generated them.
            drafts: Whether speculative decoding was on.
        """
        pairs = zip_longest(self.wanted.token_ids, token_ids)
        place = next((i for i, (then, now) in enumerate(pairs) if then != now), None)
        if place is None:
            return True
        differences = self._differences(roles)
        if (drafts or self.stored.drafts) and any(role.dtype in _16_BIT for role in roles):
            differences.append("speculative decoding may round differently in 16 bits")
        reasons = "; ".join(differences) or "the models and devices are the same"
        print(
            f"tuneshift: Token {place + 1} differs from {self.stored.id} ({reasons})",
            file=sys.stderr,
        )
        return False

    def _differences(self, roles: Sequence[RoleInForce]) -> list[str]:
        found = []
        for then, now in zip(self.stored.roles, roles, strict=False):
            for name in _OF_ROLES:
                was, is_now = getattr(then, name), getattr(now, name)
                if was != is_now:
                    found.append(f"{now.role}: {name} was {was or '–'}, is {is_now or '–'}")
        return found


def find_repeated_run(options: argparse.Namespace) -> RepeatedRun:
    """The stored run that ``options.again`` names.

    Raises:
        RecipeError: The options also contain a prompt, models or settings.
        HistoryError: The run does not exist.
    """
    given = [
        name for name in _CONFLICTING_OPTIONS if getattr(options, name) not in (None, False, [])
    ]
    if given:
        option = "a prompt" if given[0] == "prompt" else f"--{given[0].replace('_', '-')}"
        raise RecipeError(
            f"--again cannot be combined with {option}",
            next_step="A run is repeated unchanged; only --device, --dtype, --quantization and "
            "options of the engine can be added.",
        )
    archive = Archive(open_to_read(history_file()))
    try:
        stored = archive.get(archive.resolve(options.again))
        return RepeatedRun(stored, repeatable(stored, archive.tokens(stored.id)))
    finally:
        archive.close()
